import { WeirError } from '../../errors.ts';
import { parseSourceId } from '../instance/purchase.ts';
import type { PaidOrder, PaymentAnswer } from '../triggers/order-paid.ts';
import { parsePaidBody } from '../triggers/paid-body.ts';
import type { ParkedDetail } from './parked-item.ts';

/** Reads the payment as its callback stated it. */
export function readPayment({ sourceId, messageId, original }: ParkedDetail): PaidOrder {
  const text = original.toString().trim();
  const { named, payment } = parsePaidBody(text === '' ? undefined : JSON.parse(text), sourceId);
  const webhookId = messageId === '' ? {} : { webhookId: messageId };
  return { orderId: parseSourceId(sourceId), named, payment: { ...webhookId, ...payment } };
}

export function describeAnswer(answer: PaymentAnswer): { resolution: string; instanceId?: string } {
  if (answer.kind === 'refund') {
    return { resolution: `requested the refund of the payment: ${answer.refund.reason}` };
  }
  if (answer.kind === 'parked') {
    const { parkedId, state } = answer.item;
    throw new WeirError('ORDER_NOT_PAYABLE', `this payment is item ${parkedId}, ${state.toLowerCase()}`);
  }
  const instanceId = answer.instance.instanceId.toString();
  const made = answer.first ? 'made' : 'was there already:';
  return { resolution: `${made} instance ${instanceId}`, instanceId };
}
