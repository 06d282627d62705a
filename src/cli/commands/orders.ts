import { readConfig } from '../../config/config.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { signCallback } from '../client/sign-callback.ts';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { readTime } from './read-time.ts';

type OrderOptions = ApiOptions & { json?: boolean };

interface PaidOptions {
  product?: string;
  user?: string;
  paymentId?: string;
  amount?: string;
  paidAt?: string;
}

/** The answer to the callback: an instance, or what was done with a payment that cannot become one. */
interface PaidAnswer {
  instanceId?: string;
  outcome?: string;
  parkedId?: string;
  reason?: string;
}

/** Replaces a callback of the payment provider that did not arrive. */
export async function payOrder(orderId: string, options: OrderOptions & PaidOptions): Promise<number> {
  const { product, user, paymentId, amount, paidAt } = options;
  const named = { ...(product && { productId: product }), ...(user && { userId: user }) };
  const payment = {
    ...(paymentId && { paymentId }),
    ...(amount && { amountCents: amount }),
    ...(paidAt && { paidAt: readTime('--paid-at', paidAt) }),
  };
  const answer = await callBack<PaidAnswer>(orderId, 'paid', { ...named, ...payment }, options);
  if (options.json) printJson(answer);
  else printLine(describeAnswer(orderId, answer));
  return answer.outcome === 'parked' ? exitCodes.failed : exitCodes.ok;
}

function describeAnswer(orderId: string, { instanceId, outcome, parkedId, reason }: PaidAnswer): string {
  if (outcome === 'parked') return `Parked the payment of order ${orderId} as item ${parkedId}: ${reason}`;
  if (instanceId === undefined) return `Requested the refund of the payment of order ${orderId}: ${reason}`;
  return `Reported order ${orderId} as paid: its instance is ${instanceId}`;
}

/** Sends what the payment provider would send. */
export async function refundOrder(
  orderId: string,
  options: OrderOptions & { paymentId?: string },
): Promise<number> {
  const { paymentId } = options;
  const body = { refunded: true, ...(paymentId && { paymentId }) };
  const refund = await callBack<object>(orderId, 'refunded', body, options);
  if (options.json) printJson(refund);
  else printLine(`Recorded the refund of order ${orderId}`);
  return exitCodes.ok;
}

export async function cancelOrder(orderId: string, options: OrderOptions): Promise<number> {
  const order = await new Api(options).post<object>(`/v1/orders/${encodeURIComponent(orderId)}/cancel`);
  if (options.json) printJson(order);
  else printLine(`Cancelled order ${orderId}`);
  return exitCodes.ok;
}

/** With the operator's key, where the payment system cannot report it. */
export async function markRefunded(
  orderId: string,
  options: OrderOptions & { because: string; paymentId?: string },
): Promise<number> {
  const { because, paymentId } = options;
  const body = { reason: because, ...(paymentId && { paymentId }) };
  const path = `/v1/orders/${encodeURIComponent(orderId)}/mark-refunded`;
  const refund = await new Api(options).post<object>(path, body);
  if (options.json) printJson(refund);
  else printLine(`Marked order ${orderId} as refunded`);
  return exitCodes.ok;
}

/** Sends the refund request again. */
export async function refundAgain(orderId: string, options: OrderOptions): Promise<number> {
  const refund = await new Api(options).post<object>(
    `/v1/orders/${encodeURIComponent(orderId)}/refund-again`,
  );
  if (options.json) printJson(refund);
  else printLine(`Requested the refund of order ${orderId} again`);
  return exitCodes.ok;
}

function callBack<T>(
  orderId: string,
  what: 'paid' | 'refunded',
  more: object,
  options: OrderOptions,
): Promise<T> {
  const body = { orderId, ...more };
  const [secret] = readConfig(options.config, process.env).config.server.http.webhookSecrets;
  const headers = signCallback(secret, `weir-${what}-${orderId}`, JSON.stringify(body));
  return new Api(options).post<T>(`/v1/orders/${encodeURIComponent(orderId)}/${what}`, body, headers);
}
