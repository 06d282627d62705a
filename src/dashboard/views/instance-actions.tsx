import type { InstanceStory } from '../../api/answers.ts';
import { post } from '../api.ts';
import { say, type WordKey } from '../language.ts';
import { Action, ScopeNeeded } from '../parts/action.tsx';
import type { Notice } from '../parts/notice.tsx';
import { markRefunded } from './mark-refunded.tsx';

interface ActionsProps {
  instance: InstanceStory;
  notice: Notice;
  /** After a request, since a settled instance is not asked about again by itself. */
  onDone: () => Promise<unknown>;
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

/** What an operator can do with one instance, each with what it will do; shown while it has an effect. */
export function InstanceActions({ instance, notice, onDone }: ActionsProps) {
  const offers = listOffers(instance).filter(({ isOffered }) => isOffered);
  if (offers.length === 0) return null;
  return (
    <div class="offers">
      {offers.map(({ id, label, hint, done, act }) => {
        const run = async () => {
          if ((await act()) === false) return;
          await onDone();
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

function listOffers({ instanceId, status, source, sourceId, timeline }: InstanceStory): Offer[] {
  const has = (code: string) => timeline.some(({ step }) => step === code);
  const owesRefund = source === 'ORDER' && has('REFUND_REQUESTED') && !has('REFUNDED');
  return [
    {
      ...{ id: 'retry', label: 'instance.retry', hint: 'instance.retryHint', done: 'instance.retried' },
      isOffered: status === 'PROCESSING',
      act: () => post(`instances/${instanceId}/retry`),
    },
    {
      ...{
        id: 'release',
        label: 'instance.release',
        hint: 'instance.releaseHint',
        done: 'instance.released',
      },
      isOffered: status === 'FAILED',
      act: () => post(`instances/${instanceId}/release`),
    },
    {
      ...{
        id: 'refund',
        label: 'instance.refund',
        hint: 'instance.refundHint',
        done: 'instance.refundRequested',
      },
      isOffered: owesRefund,
      act: () => post(`orders/${encodeURIComponent(sourceId)}/refund-again`),
    },
    {
      // An order that is kept elsewhere has no page of its own.
      ...{
        id: 'refunded',
        label: 'order.refunded',
        hint: 'order.refundedHint',
        done: 'order.markedRefunded',
      },
      isOffered: owesRefund,
      act: () => markRefunded(sourceId),
    },
  ];
}
