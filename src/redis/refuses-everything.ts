import { ReplyError } from 'ioredis';

/**
 * Whether this is a state of the server or of the connection, in which every request fails: it says nothing about the key
 * that was asked for. A reply such as WRONGTYPE or NOPERM is about the key.
 */
export function refusesEverything(error: unknown): boolean {
  if (!(error instanceof ReplyError)) return true;
  return /^-?(READONLY|LOADING|MASTERDOWN|NOREPLICAS|MISCONF|OOM|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|BUSY|UNKILLABLE|NOAUTH|WRONGPASS|NOSCRIPT|ERR max number)/.test(
    (error as Error).message,
  );
}
