import { userInfo } from 'node:os';
import type { Actor } from '../../core/actor.ts';

/** Who runs a command that writes to the database itself. */
export function localActor(): Actor {
  return { name: findUser(), keyId: undefined, via: 'cli', requestId: undefined };
}

/** A container may run as a user that its system has no name for. */
function findUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
