export type Connection = 'alive' | 'lost';

const askAgainMs = 1_000;
/** A server that is frozen takes the connection and never answers. */
const patienceMs = 5_000;
const listeners = new Set<(connection: Connection) => void>();
let state: Connection = 'alive';

export function currentConnection(): Connection {
  return state;
}

/** Every answer of the server, of whatever kind, says that it is there. */
export function reportAlive(): void {
  change('alive');
}

/** Asks the server until it answers; listeners are called on loss and on return. */
export function reportLost(): void {
  if (state === 'lost') return;
  change('lost');
  setTimeout(askAgain, askAgainMs);
}

export function listenToConnection(listener: (connection: Connection) => void): void {
  listeners.add(listener);
}

/** A proxy whose Weir is gone answers in its place: 502, 503 or 504, and none of them as a problem of the API. */
export function isFromWeir({ status, headers }: Response): boolean {
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  return isProblem || ![502, 503, 504].includes(status);
}

async function askAgain(): Promise<void> {
  if (state === 'alive') return;
  try {
    const signal = AbortSignal.timeout(patienceMs);
    if (!isFromWeir(await fetch(new URL('healthz', document.baseURI), { signal })))
      throw new Error('a proxy');
    reportAlive();
  } catch {
    setTimeout(askAgain, askAgainMs);
  }
}

function change(next: Connection): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener(next);
}
