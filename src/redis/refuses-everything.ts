import { classifyRefusal } from './refusal.ts';

/** Valkey and Redis 7.2 end a read that waits for a stream with it; the same code means a primary that was demoted. */
const streamIsGone = /^-?UNBLOCKED the stream key/;

/**
 * Whether this is a state of the server or of the connection, in which every request fails: it says nothing about the key
 * that was asked for. A reply such as WRONGTYPE, NOGROUP or NOPERM is about the key.
 */
export function refusesEverything(error: unknown): boolean {
  if (error instanceof Error && streamIsGone.test(error.message)) return false;
  const refusal = classifyRefusal(error);
  return refusal !== undefined && refusal.concerns === 'server' && refusal.reason !== 'NOPERM';
}
