import type { History } from '../history/history.ts';
import type { Answer, Operation, Way } from '../history/operation.ts';
import { backoffMs, pause } from '../pause.ts';
import type { Send } from './send.ts';

export interface PerformDeps {
  senders: Record<Way, Send>;
  history: History;
  /** Ends the repeats. */
  signal: AbortSignal;
}

/** Of ten operations of a way one is repeated after its answer, and one is sent twice at the same time. */
const period = 10;
const repeatAfterMs = 1_000;

/** Sends one purchase until its answer is known, as a real caller does, and some twice on purpose. */
export async function perform(deps: PerformDeps, operation: Operation): Promise<void> {
  deps.history.begin(operation);
  const kind = operation.way === 'stream' ? 'once' : operation.ordinal % period;
  if (kind === 5) {
    await Promise.all([insist(deps, operation), insist(deps, operation)]);
    return;
  }
  const answer = await insist(deps, operation);
  if (kind !== 3 || answer.outcome !== 'ok') return;
  await pause(repeatAfterMs, deps.signal);
  await insist(deps, operation);
}

async function insist({ senders, history, signal }: PerformDeps, operation: Operation): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const sentAtMs = Date.now();
    const answer = await senders[operation.way](operation);
    history.record(operation, { sentAtMs, answeredAtMs: Date.now(), answer });
    if (answer.outcome !== 'unknown' || !mayRepeat(operation.way, answer) || signal.aborted) return answer;
    await pause(backoffMs(attempt), signal);
    if (signal.aborted) return answer;
  }
}

/** An entry has no key: added again it is another purchase. */
function mayRepeat(way: Way, answer: Answer & { outcome: 'unknown' }): boolean {
  return way !== 'stream' || answer.isUndone === true;
}
