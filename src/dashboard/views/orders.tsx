import type { Order } from '../../api/answers.ts';
import { formatCents } from '../format.ts';
import { say } from '../language.ts';
import { nameProduct } from '../live/product-names.ts';
import { State } from '../parts/badge.tsx';
import { Countdown } from '../parts/countdown.tsx';
import type { Filter } from '../parts/filters.tsx';
import { Id } from '../parts/id.tsx';
import { Jump } from '../parts/jump.tsx';
import { ListPage, useList } from '../parts/list-view.tsx';
import { Moment } from '../parts/moment.tsx';
import type { Column } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import type { View } from '../views.ts';
import { goTo } from '../where.ts';
import { OrderStoryView } from './order.tsx';

const statuses = ['PENDING', 'PAID', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'REFUND_REQUESTED', 'REFUNDED'];

/** Orders and how far they are. */
const Orders: View = ({ query }) => {
  const filters = orderFilters();
  const list = useList<Order>({ path: 'orders', filters, query });
  return (
    <ListPage
      view="orders"
      title={say('orders.title')}
      beside={<Jump label={say('order.id')} maxLength={64} goTo={(id) => goTo('orders', id)} />}
      {...{ list, filters, query }}
      columns={orderColumns()}
      empty={say('orders.none')}
      exported="orders"
    />
  );
};

function orderFilters(): Filter[] {
  return [
    { name: 'status', label: say('instance.status'), options: { words: 'state', codes: statuses } },
    { name: 'userId', label: say('instance.user'), kind: 'id' },
    { name: 'paymentId', label: say('order.payment'), maxLength: 255 },
    { name: 'productId', label: say('instance.product'), kind: 'id' },
    { name: 'from', label: say('filter.from'), kind: 'time' },
    { name: 'to', label: say('filter.to'), kind: 'time' },
  ];
}

function orderColumns(): Column<Order>[] {
  return [
    {
      title: say('order.title'),
      isHead: true,
      // Two ids next to each other would need more room than a small screen has.
      cell: ({ id, instanceId }) => (
        <>
          <a href={writeRoute('orders', id)}>{id}</a>
          {instanceId !== null && (
            <small class="below">
              {say('instance.id')} <a href={writeRoute('instances', instanceId)}>{instanceId}</a>
            </small>
          )}
        </>
      ),
    },
    { title: say('instance.created'), cell: ({ createdAt }) => <Moment iso={createdAt} /> },
    {
      title: say('instance.status'),
      cell: ({ status, expiresAt }) => (
        <>
          <State of={status} />
          {status === 'PENDING' && expiresAt && (
            <small class="below" title={say('order.deadline')}>
              <Countdown until={expiresAt} />
            </small>
          )}
        </>
      ),
    },
    { title: say('order.amount'), isNumber: true, cell: ({ amountCents }) => formatCents(amountCents) },
    { title: say('instance.product'), isText: true, cell: ({ productId }) => nameProduct(productId) },
    { title: say('instance.user'), isNumber: true, cell: ({ userId }) => <Id text={userId} /> },
  ];
}

export const show = (id: string | undefined): View => (id === undefined ? Orders : OrderStoryView);
