export type Connection = 'alive' | 'lost';

const askAgainMs = 1_000;
const listeners = new Set<(connection: Connection) => void>();
let state: Connection = 'alive';

export function currentConnection(): Connection {
  return state;
}

/** Every answer of the server, of whatever kind, says that it is there. */
export function reportAlive(): void {
  change('alive');
}

/** Asks the server until it answers; whoever listens hears of both. */
export function reportLost(): void {
  if (state === 'lost') return;
  change('lost');
  setTimeout(askAgain, askAgainMs);
}

export function listenToConnection(listener: (connection: Connection) => void): void {
  listeners.add(listener);
}

async function askAgain(): Promise<void> {
  if (state === 'alive') return;
  try {
    await fetch(new URL('healthz', document.baseURI));
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
