import { WeirError } from '../../errors.ts';
import { parseSourceId } from '../instance/purchase.ts';
import type { PaidOrder, PaymentAnswer } from '../triggers/order-paid.ts';
import { parsePaidBody } from '../triggers/paid-body.ts';
import type { ParkedDetail } from './parked-item.ts';
import type { Resolution } from './replay.ts';

/** Reads the payment as its callback stated it. */
export function readPayment({ sourceId, messageId, original }: ParkedDetail): PaidOrder {
  const text = original.toString().trim();
  const { named, payment } = parsePaidBody(text === '' ? undefined : JSON.parse(text), sourceId);
  const webhookId = messageId === '' ? {} : { webhookId: messageId };
  return { orderId: parseSourceId(sourceId), named, payment: { ...webhookId, ...payment } };
}

export function describeAnswer(answer: PaymentAnswer): Pick<Resolution, 'statement' | 'instanceId'> {
  if (answer.kind === 'refund') {
    return { statement: { code: 'REFUND_REQUESTED', params: { reason: answer.refund.reason } } };
  }
  if (answer.kind === 'parked') {
    const { parkedId, state } = answer.item;
    throw new WeirError('ORDER_NOT_PAYABLE', `this payment is item ${parkedId}, ${state.toLowerCase()}`);
  }
  const instanceId = answer.instance.instanceId.toString();
  const code = answer.first ? 'INSTANCE_CREATED' : 'INSTANCE_FOUND';
  return { statement: { code, params: { instanceId } }, instanceId };
}
