import { signal } from '@preact/signals';

const askAgainMs = 1_000;
/** A server that is frozen takes the connection and never answers. */
const patienceMs = 5_000;

/** Whether the server can be reached, as far as is known. */
export const connection = signal<'alive' | 'lost'>('alive');

/** Every answer of the server, of whatever kind, says that it is there. */
export function reportAlive(): void {
  connection.value = 'alive';
}

/** Asks the server until it answers. */
export function reportLost(): void {
  if (connection.value === 'lost') return;
  connection.value = 'lost';
  setTimeout(askAgain, askAgainMs);
}

/** A proxy whose Weir is gone answers in its place: 502, 503 or 504, and none of them as a problem of the API. */
export function isFromWeir({ status, headers }: Response): boolean {
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  return isProblem || ![502, 503, 504].includes(status);
}

async function askAgain(): Promise<void> {
  if (connection.value === 'alive') return;
  try {
    const signal = AbortSignal.timeout(patienceMs);
    if (!isFromWeir(await fetch(new URL('healthz', document.baseURI), { signal })))
      throw new Error('a proxy');
    reportAlive();
  } catch {
    setTimeout(askAgain, askAgainMs);
  }
}
