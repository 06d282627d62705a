import type { Evidence } from './evidence/evidence.ts';
import { type Judgement, judge } from './judge/judge.ts';
import { isFinal } from './judge/violation.ts';
import { pause } from './pause.ts';

export interface SettleDeps {
  look: () => Promise<Evidence>;
  /** Grows with each message that comes, repeats included. */
  countMessages: () => number;
  waitMs: number;
  onLook: (violations: number) => void;
}

const pollMs = 500;
/** What holds must still hold after a while in which no message came: a second refund comes late. */
const quietMs = 1_000;

/**
 * Looks again until everything holds and is quiet, nothing can get better any more, or `waitMs` are over.
 *
 * @returns the last look; `evidence` is undefined when the installation could not be read at all
 */
export async function settle(
  deps: SettleDeps,
): Promise<{ evidence: Evidence | undefined; judgement: Judgement }> {
  const endsAtMs = Date.now() + deps.waitMs;
  let quietSinceMs = Date.now();
  let messages = -1;
  for (;;) {
    const { evidence, judgement } = await lookOnce(deps);
    deps.onLook(judgement.violations.length);
    const now = Date.now();
    const isWorthWaiting = judgement.violations.some((violation) => !isFinal(violation));
    if (isWorthWaiting || deps.countMessages() !== messages) quietSinceMs = now;
    messages = deps.countMessages();
    if (now - quietSinceMs >= quietMs || now >= endsAtMs) return { evidence, judgement };
    await pause(Math.min(pollMs, endsAtMs - now));
  }
}

async function lookOnce({
  look,
}: SettleDeps): Promise<{ evidence: Evidence | undefined; judgement: Judgement }> {
  try {
    const evidence = await look();
    return { evidence, judgement: judge(evidence) };
  } catch (error) {
    const { message } = error as Error;
    const unread = { kind: 'stuck', subject: 'the installation', detail: message } as const;
    return { evidence: undefined, judgement: { violations: [unread], allowed: [] } };
  }
}
