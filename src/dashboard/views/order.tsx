import type { OrderStory } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { formatCents } from '../format.ts';
import { say, sayCode, type WordKey } from '../language.ts';
import { nameProduct } from '../live/product-names.ts';
import { Action, ScopeNeeded } from '../parts/action.tsx';
import { ActivityOf } from '../parts/activity-of.tsx';
import { State } from '../parts/badge.tsx';
import { Copy } from '../parts/copy.tsx';
import { Countdown } from '../parts/countdown.tsx';
import { Facts } from '../parts/facts.tsx';
import { Head } from '../parts/head.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failure, type Notice, Noticed, useNotice } from '../parts/notice.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Timeline, type TimelineStep } from '../parts/timeline.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';

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
          <Actions order={data} path={path} notice={notice} reload={reload} />
          <Noticed notice={notice} />
          <h2>{say('instance.timeline')}</h2>
          <Timeline steps={data.timeline.map(toStep)} />
          <h2>{say('order.payments')}</h2>
          <Table
            caption={say('order.payments')}
            columns={paymentColumns()}
            rows={data.payments}
            empty={say('order.noPayments')}
          />
          <ActivityOf kind="order" id={id} />
        </>
      )}
    </>
  );
};

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
  path: string;
  body?: object;
}

const offers: Readonly<Record<string, readonly Offer[]>> = {
  PENDING: [
    {
      id: 'cancel',
      label: 'order.cancel',
      hint: 'order.cancelHint',
      done: 'order.cancelled',
      path: 'cancel',
    },
  ],
  REFUND_REQUESTED: [
    {
      ...{
        id: 'refunded',
        label: 'order.refunded',
        hint: 'order.refundedHint',
        done: 'order.markedRefunded',
      },
      path: 'refunded',
      body: { refunded: true },
    },
    {
      ...{
        id: 'refund',
        label: 'instance.refund',
        hint: 'instance.refundHint',
        done: 'instance.refundRequested',
      },
      path: 'refund-again',
    },
  ],
};

/** Each with what it will do; shown while it has an effect. */
function Actions({ order, path, notice, reload }: ActionsProps) {
  const offered = offers[order.status] ?? [];
  if (offered.length === 0) return null;
  return (
    <div class="offers">
      {offered.map((offer) => {
        const act = async () => {
          await post(`${path}/${offer.path}`, offer.body);
          await reload();
          notice.say(say(offer.done));
        };
        return (
          <p key={offer.id} class="buttons">
            <Action label={say(offer.label)} id={offer.id} notice={notice} act={act} />
            <small>{say(offer.hint)}</small>
          </p>
        );
      })}
      <ScopeNeeded scope="act" />
    </div>
  );
}

function listFacts(order: OrderStory) {
  const { id, productId, userId, amountCents, createdAt, updatedAt, paidAt, expiresAt, instanceId, status } =
    order;
  return [
    [say('order.title'), <Copy text={id} />],
    [say('order.amount'), formatCents(amountCents)],
    [say('order.deadline'), status === 'PENDING' && expiresAt ? <Countdown until={expiresAt} /> : undefined],
    [say('instance.id'), instanceId && <a href={writeRoute('instances', instanceId)}>{instanceId}</a>],
    [say('instance.product'), nameProduct(productId)],
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
        {by}
      </>
    ),
  };
}

function Value({ name, value }: { name: string; value: string }) {
  if (name === 'instanceId') return <a href={writeRoute('instances', value)}>{value}</a>;
  if (name === 'parkedId') return <a href={writeRoute('parked', value)}>#{value}</a>;
  if (name === 'amountCents') return <span>{formatCents(value)}</span>;
  if (name === 'expiresAt') return <Moment iso={value} />;
  return <span class="id">{name === 'reason' || name === 'cause' ? sayCode('cause', value) : value}</span>;
}

function paymentColumns(): Column<Payment>[] {
  return [
    {
      title: say('order.payment'),
      isHead: true,
      cell: ({ paymentId }) => <span class="id">{paymentId ?? '–'}</span>,
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
