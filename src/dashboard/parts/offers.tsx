import { say, type WordKey } from '../language.ts';
import { Action, ScopeNeeded } from './action.tsx';
import type { Notice } from './notice.tsx';

export interface Offer {
  id: string;
  label: WordKey;
  hint: WordKey;
  done: WordKey;
  isOffered: boolean;
  /** false: the operator cancelled. */
  act: () => Promise<unknown>;
}

export interface OffersProps {
  offers: readonly Offer[];
  notice: Notice;
  onDone: () => Promise<unknown>;
}

/** What an operator can do with one item, each with what it will do; shown while it has an effect. */
export function Offers({ offers, notice, onDone }: OffersProps) {
  const open = offers.filter(({ isOffered }) => isOffered);
  if (open.length === 0) return null;
  return (
    <div class="offers">
      {open.map(({ id, label, hint, done, act }) => {
        const run = async () => {
          try {
            if ((await act()) === false) return;
          } finally {
            // Another operator may have been faster.
            await onDone();
          }
          notice.say(say(done));
        };
        return (
          <p key={id} class="buttons">
            <Action label={say(label)} id={id} notice={notice} act={run} />
            <small>{say(hint)}</small>
          </p>
        );
      })}
      <ScopeNeeded scope="act" />
    </div>
  );
}

export const markedRefunded = {
  id: 'refunded',
  label: 'order.refunded',
  hint: 'order.refundedHint',
  done: 'order.markedRefunded',
} as const;

export const refundRequested = {
  id: 'refund',
  label: 'instance.refund',
  hint: 'instance.refundHint',
  done: 'instance.refundRequested',
} as const;
