import type { OrderStory } from '../../api/answers.ts';
import { post } from '../api.ts';
import type { Notice } from '../parts/notice.tsx';
import { markedRefunded, type Offer, Offers, refundRequested } from '../parts/offers.tsx';
import { listOpenRefunds, markRefunded } from './mark-refunded.tsx';

interface ActionsProps {
  order: OrderStory;
  path: string;
  notice: Notice;
  reload: () => Promise<void>;
}

export function OrderActions({ order, path, notice, reload }: ActionsProps) {
  return <Offers offers={listOffers(order, path)} notice={notice} onDone={reload} />;
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
      ...markedRefunded,
      isOffered: owesRefund,
      act: () => markRefunded(order.id, refunds),
    },
    {
      ...refundRequested,
      isOffered: owesRefund,
      act: () => post(`${path}/refund-again`),
    },
  ];
}
