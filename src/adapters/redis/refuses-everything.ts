import { classifyRefusal } from './refusal.ts';

/**
 * Whether the error is a state of the server or of the connection, in which every request fails, independent
 * of the key. A reply such as WRONGTYPE, NOGROUP or NOPERM concerns the key.
 */
export function refusesEverything(error: unknown): boolean {
  const refusal = classifyRefusal(error);
  return refusal !== undefined && refusal.concerns === 'server' && refusal.reason !== 'NOPERM';
}
