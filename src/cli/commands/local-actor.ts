import { userInfo } from 'node:os';
import type { Actor } from '../../core/actor.ts';

/** The user who runs a command that writes to the database directly. */
export function localActor(): Actor {
  return { name: findUser(), keyId: undefined, via: 'cli', requestId: undefined };
}

/** A container may run as a user for which its system has no name. */
function findUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
