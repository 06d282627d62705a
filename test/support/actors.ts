import type { Actor } from '../../src/core/actor.ts';

/** An operator who came through HTTP, with the given properties. */
export function createActor(name = 'ops', given: Partial<Actor> = {}): Actor {
  return { name, keyId: '7', via: 'http', requestId: 'request-1', ...given };
}
