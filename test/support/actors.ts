import type { Actor } from '../../src/core/actor.ts';

/** An operator who came by HTTP, with what is given. */
export function createActor(name = 'ops', given: Partial<Actor> = {}): Actor {
  return { name, keyId: '7', via: 'http', requestId: 'request-1', ...given };
}
