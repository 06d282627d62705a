import type { OrderStory } from '../../api/answers.ts';
import { post } from '../api.ts';
import { formatCents } from '../format.ts';
import { say } from '../language.ts';
import { Field, Select } from '../parts/field.tsx';
import { Id } from '../parts/id.tsx';
import { askWithReason, reasonOf } from './ask-reason.tsx';

/** A refund that was requested and not reported; `paymentId` null: of a payment that did not name itself. */
export interface OpenRefund {
  paymentId: string | null;
  amountCents: string | null;
}

/** Those of the order itself and of further payments, which an order that is completed may owe too. */
export function listOpenRefunds({ timeline }: Pick<OrderStory, 'timeline'>): OpenRefund[] {
  const paymentOf = (step: OrderStory['timeline'][number]) => step.params.paymentId ?? null;
  const refunded = timeline.filter(({ code }) => code === 'REFUNDED').map(paymentOf);
  return timeline
    .filter((step) => step.code === 'REFUND_REQUESTED' && !refunded.includes(paymentOf(step)))
    .map((step) => ({ paymentId: paymentOf(step), amountCents: step.params.amountCents ?? null }));
}

/**
 * Records that the money has gone back, in place of the payment side. The callback `…/refunded` is not for operators: it is signed.
 *
 * @returns false when the operator cancelled
 */
export async function markRefunded(orderId: string, refunds: readonly OpenRefund[] = []): Promise<boolean> {
  const data = await askWithReason({
    title: say('order.refundedTitle', { id: orderId }),
    content: (
      <>
        <p>{say('order.refundedWarning')}</p>
        {refunds.length === 1 && refunds.map(toOption).map(([id, name]) => id && <Id text={name} />)}
        {refunds.length > 1 && (
          <Field label={say('order.payment')}>
            <Select name="paymentId" options={refunds.map(toOption)} />
          </Field>
        )}
      </>
    ),
    label: say('order.refundedWhy'),
    help: say('order.refundedWhyHelp'),
    confirm: say('order.refunded'),
  });
  if (!data) return false;
  const paymentId = data.get('paymentId') ?? refunds[0]?.paymentId;
  await post(`orders/${encodeURIComponent(orderId)}/mark-refunded`, {
    reason: reasonOf(data),
    ...(paymentId ? { paymentId } : {}),
  });
  return true;
}

function toOption({ paymentId, amountCents }: OpenRefund): readonly [string, string] {
  const name = paymentId ?? say('order.unnamedPayment');
  return [paymentId ?? '', amountCents === null ? name : `${name} · ${formatCents(amountCents)}`];
}
