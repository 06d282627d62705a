import type { OpenRefund } from '../../api/answers.ts';
import { post } from '../api.ts';
import { formatCents } from '../format.ts';
import { say } from '../language.ts';
import { nameProduct } from '../live/product-names.ts';
import { Action, ScopeNeeded } from '../parts/action.tsx';
import type { Filter } from '../parts/filters.tsx';
import { Id } from '../parts/id.tsx';
import { ListPage, useList } from '../parts/list-view.tsx';
import { Age } from '../parts/moment.tsx';
import { type Notice, Noticed, useNotice } from '../parts/notice.tsx';
import { markedRefunded, refundRequested } from '../parts/offers.tsx';
import type { Column } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import type { View } from '../views.ts';
import { sayReason } from '../words/say-statement.ts';
import { markRefunded } from './mark-refunded.tsx';

/** Every open refund, whether Weir has its order or not, with what can be done about it. */
const Refunds: View = ({ query }) => {
  const filters: Filter[] = [{ name: 'orderId', label: say('order.id') }];
  const list = useList<OpenRefund>({ path: 'refunds', filters, query });
  const notice = useNotice();
  return (
    <ListPage
      view="refunds"
      title={say('refunds.title')}
      {...{ list, filters, query }}
      columns={refundColumns(notice, list.reload)}
      empty={say('refunds.none')}
      exported="refunds"
    >
      <ScopeNeeded scope="act" />
      <Noticed notice={notice} />
    </ListPage>
  );
};

function refundColumns(notice: Notice, reload: () => Promise<void>): Column<OpenRefund>[] {
  return [
    {
      title: say('order.title'),
      isHead: true,
      cell: ({ orderId, isOrderKnown, instanceId }) => (
        <>
          {isOrderKnown ? <a href={writeRoute('orders', orderId)}>{orderId}</a> : <Id text={orderId} />}
          {instanceId !== null && (
            <small class="below">
              {say('instance.id')} <a href={writeRoute('instances', instanceId)}>{instanceId}</a>
            </small>
          )}
        </>
      ),
    },
    { title: say('refund.requestedAt'), cell: ({ requestedAt }) => <Age iso={requestedAt} /> },
    {
      title: say('instance.reason'),
      isText: true,
      cell: ({ reason }) => sayReason(reason),
    },
    {
      title: say('order.payments'),
      cell: ({ amountCents, paymentId }) => (
        <>
          {amountCents === null ? '–' : formatCents(amountCents)}
          {paymentId !== null && (
            <small class="below">
              <Id text={paymentId} />
            </small>
          )}
        </>
      ),
    },
    {
      title: say('instance.user'),
      isText: true,
      cell: ({ userId, productId }) => (
        <>
          <Id text={userId} /> <small class="below">{nameProduct(productId)}</small>
        </>
      ),
    },
    { title: say('refund.actions'), cell: (refund) => <Actions {...{ refund, notice, reload }} /> },
  ];
}

interface ActionsProps {
  refund: OpenRefund;
  notice: Notice;
  reload: () => Promise<void>;
}

function Actions({ refund, notice, reload }: ActionsProps) {
  const { orderId } = refund;
  const about = [orderId, refund.paymentId].filter(Boolean).join(', ');
  const mark = async () => {
    if (!(await markRefunded(orderId, [refund]))) return;
    await reload();
    notice.say(say(markedRefunded.done));
  };
  const again = async () => {
    await post(`orders/${encodeURIComponent(orderId)}/refund-again`);
    notice.say(say(refundRequested.done));
  };
  return (
    <span class="buttons">
      <Action
        label={say(markedRefunded.label)}
        hint={say(markedRefunded.hint)}
        {...{ about, notice }}
        act={mark}
      />
      <Action
        label={say('refund.again')}
        hint={say(refundRequested.hint)}
        {...{ about, notice }}
        act={again}
      />
    </span>
  );
}

export const show = (): View => Refunds;
