import type { OrderStory } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { formatCents } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { nameProduct } from '../live/product-names.ts';
import { ActivityLink, mergeActivity, useActivity } from '../parts/activity-of.tsx';
import { State } from '../parts/badge.tsx';
import { Copy } from '../parts/copy.tsx';
import { Countdown } from '../parts/countdown.tsx';
import { Facts } from '../parts/facts.tsx';
import { Head } from '../parts/head.tsx';
import { Id } from '../parts/id.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failure, Noticed, useNotice } from '../parts/notice.tsx';
import { markedRefunded, type Offer, Offers, refundRequested } from '../parts/offers.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Timeline, type TimelineStep } from '../parts/timeline.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { sayReason } from '../words/say-statement.ts';
import { listOpenRefunds, markRefunded } from './mark-refunded.tsx';

type Step = OrderStory['timeline'][number];
type Payment = OrderStory['payments'][number];

const askAgainMs = 2_000;
const moving = ['PENDING', 'PAID', 'REFUND_REQUESTED'];

/** One order: what is paid, what became of it, and what an operator can do. */
export const OrderStoryView: View = ({ id }) => {
  const notice = useNotice();
  const path = `orders/${encodeURIComponent(id)}`;
  const { data, error, reload } = useLoad(
    (signal) => get<OrderStory>(path, {}, signal),
    [path],
    ({ status }) => (moving.includes(status) ? askAgainMs : 0),
  );
  const records = useActivity({ kind: 'order', id }, data?.timeline.length);
  return (
    <>
      <Head
        title={say('order.one', { id })}
        trail={<a href={writeRoute('orders')}>{say('orders.title')}</a>}
      />
      <Failure error={error} />
      {data && (
        <>
          <p class="state" role="status">
            <State of={data.status} />
          </p>
          <Facts facts={listFacts(data)} />
          <Offers offers={listOffers(data, path)} notice={notice} onDone={reload} />
          <Noticed notice={notice} />
          <h2>{say('instance.timeline')}</h2>
          <Timeline steps={mergeActivity(data.timeline.map(toStep), records)} />
          <ActivityLink kind="order" id={id} records={records} />
          <h2>{say('order.payments')}</h2>
          <Table
            caption={say('order.payments')}
            columns={paymentColumns()}
            rows={data.payments}
            empty={say('order.noPayments')}
          />
        </>
      )}
    </>
  );
};

/** What an operator can do with an order. */
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

function listFacts(order: OrderStory) {
  const { id, productId, userId, amountCents, createdAt, updatedAt, paidAt, expiresAt, instanceId, status } =
    order;
  return [
    [say('order.title'), <Copy text={id} />],
    [say('order.amount'), formatCents(amountCents)],
    [say('order.deadline'), status === 'PENDING' && expiresAt ? <Countdown until={expiresAt} /> : undefined],
    [say('instance.id'), instanceId && <a href={writeRoute('instances', instanceId)}>{instanceId}</a>],
    [
      say('instance.product'),
      <a href={writeRoute('orders', undefined, { productId })}>{nameProduct(productId)}</a>,
    ],
    [say('instance.user'), <a href={writeRoute('orders', undefined, { userId })}>{userId}</a>],
    [say('instance.created'), <Moment iso={createdAt} />],
    [say('order.paidAt'), paidAt && <Moment iso={paidAt} />],
    [say('instance.updated'), <Moment iso={updatedAt} />],
  ] as const;
}

function toStep({ at, code, params, by }: Step): TimelineStep {
  const values = Object.entries(params).flatMap(([name, value]) =>
    value === null ? [] : [[name, value] as const],
  );
  return {
    at,
    code,
    children: (
      <>
        {values.map(([name, value]) => (
          <span key={name}>
            {sayCode('param', name)} <Value name={name} value={value} />
            {' · '}
          </span>
        ))}
        {sayCode('by', by)}
      </>
    ),
  };
}

function Value({ name, value }: { name: string; value: string }) {
  if (name === 'instanceId') return <a href={writeRoute('instances', value)}>{value}</a>;
  if (name === 'parkedId') return <a href={writeRoute('parked', value)}>#{value}</a>;
  if (name === 'amountCents') return <span>{formatCents(value)}</span>;
  if (name === 'expiresAt') return <Moment iso={value} />;
  if (name === 'outcome') return <span>{sayCode('outcome', value)}</span>;
  if (name === 'cause') return <span>{sayCode('cause', value)}</span>;
  if (name === 'reason') return <span>{sayReason(sayCode('reason', value))}</span>;
  return <Id text={value} />;
}

function paymentColumns(): Column<Payment>[] {
  return [
    {
      title: say('order.payment'),
      isHead: true,
      cell: ({ paymentId }) => (paymentId === null ? '–' : <Id text={paymentId} />),
    },
    {
      title: say('order.amount'),
      isNumber: true,
      cell: ({ amountCents }) => (amountCents === null ? '–' : formatCents(amountCents)),
    },
    { title: say('order.outcome'), isText: true, cell: ({ outcome }) => sayCode('outcome', outcome) },
    { title: say('order.recordedAt'), cell: ({ recordedAt }) => <Moment iso={recordedAt} /> },
    { title: say('state.REFUNDED'), cell: ({ refundedAt }) => refundedAt && <Moment iso={refundedAt} /> },
  ];
}
