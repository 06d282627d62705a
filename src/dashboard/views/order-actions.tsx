import type { OrderStory } from '../../api/answers.ts';
import { post } from '../api.ts';
import { say, type WordKey } from '../language.ts';
import { Action, ScopeNeeded } from '../parts/action.tsx';
import type { Notice } from '../parts/notice.tsx';
import { listOpenRefunds, markRefunded } from './mark-refunded.tsx';

interface ActionsProps {
  order: OrderStory;
  path: string;
  notice: Notice;
  reload: () => Promise<void>;
}

interface Offer {
  id: string;
  label: WordKey;
  hint: WordKey;
  done: WordKey;
  isOffered: boolean;
  /** false: the operator cancelled. */
  act: () => Promise<unknown>;
}

/** What an operator can do with one order, each with what it will do; shown while it has an effect. */
export function OrderActions({ order, path, notice, reload }: ActionsProps) {
  const offers = listOffers(order, path).filter(({ isOffered }) => isOffered);
  if (offers.length === 0) return null;
  return (
    <div class="offers">
      {offers.map(({ id, label, hint, done, act }) => {
        const run = async () => {
          if ((await act()) === false) return;
          await reload();
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

function listOffers(order: OrderStory, path: string): Offer[] {
  const refunds = listOpenRefunds(order);
  const owesRefund = order.status === 'REFUND_REQUESTED' || refunds.length > 0;
  return [
    {
      ...{ id: 'cancel', label: 'order.cancel', hint: 'order.cancelHint', done: 'order.cancelled' },
      isOffered: order.status === 'PENDING',
      act: () => post(`${path}/cancel`),
    },
    {
      ...{
        id: 'refunded',
        label: 'order.refunded',
        hint: 'order.refundedHint',
        done: 'order.markedRefunded',
      },
      isOffered: owesRefund,
      act: () => markRefunded(order.id, refunds),
    },
    {
      ...{
        id: 'refund',
        label: 'instance.refund',
        hint: 'instance.refundHint',
        done: 'instance.refundRequested',
      },
      isOffered: owesRefund,
      act: () => post(`${path}/refund-again`),
    },
  ];
}
