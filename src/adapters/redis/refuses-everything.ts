import { classifyRefusal } from './refusal.ts';

/**
 * Whether this is a state of the server or of the connection, in which every request fails: it says nothing about the key
 * that was asked for. A reply such as WRONGTYPE, NOGROUP or NOPERM is about the key.
 */
export function refusesEverything(error: unknown): boolean {
  const refusal = classifyRefusal(error);
  return refusal !== undefined && refusal.concerns === 'server' && refusal.reason !== 'NOPERM';
}
