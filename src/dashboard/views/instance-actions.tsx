import type { InstanceStory } from '../../api/answers.ts';
import { post } from '../api.ts';
import type { Notice } from '../parts/notice.tsx';
import { markedRefunded, type Offer, Offers, refundRequested } from '../parts/offers.tsx';
import { markRefunded } from './mark-refunded.tsx';

interface ActionsProps {
  instance: InstanceStory;
  notice: Notice;
  /** After a request, since a settled instance is not asked about again by itself. */
  onDone: () => Promise<unknown>;
}

export function InstanceActions({ instance, notice, onDone }: ActionsProps) {
  return <Offers offers={listOffers(instance)} notice={notice} onDone={onDone} />;
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
      ...refundRequested,
      isOffered: owesRefund,
      act: () => post(`orders/${encodeURIComponent(sourceId)}/refund-again`),
    },
    {
      // An order that is kept elsewhere has no page of its own.
      ...markedRefunded,
      isOffered: owesRefund,
      act: () => markRefunded(sourceId),
    },
  ];
}
