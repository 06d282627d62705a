import { readConfig } from '../config.ts';
import { Api, type ApiOptions } from './api.ts';
import { exitCodes } from './exit-codes.ts';
import { signCallback } from './sign-callback.ts';
import { printJson } from './table.ts';

type OrderOptions = ApiOptions & { json?: boolean };

interface PaidOptions {
  product?: string;
  user?: string;
}

/** In the place of the payer, whose callback did not come. */
export async function payOrder(orderId: string, options: OrderOptions & PaidOptions): Promise<number> {
  const { product, user } = options;
  const named = { ...(product && { productId: product }), ...(user && { userId: user }) };
  const instance = await callBack<{ instanceId: string }>(orderId, 'paid', named, options);
  if (options.json) printJson(instance);
  else process.stdout.write(`order ${orderId} is paid, its instance is ${instance.instanceId}\n`);
  return exitCodes.ok;
}

/** In the place of whoever made the refund. */
export async function refundOrder(orderId: string, options: OrderOptions): Promise<number> {
  const refund = await callBack<object>(orderId, 'refunded', { refunded: true }, options);
  if (options.json) printJson(refund);
  else process.stdout.write(`the refund of order ${orderId} is recorded\n`);
  return exitCodes.ok;
}

/** Sends the request for the refund once more. */
export async function refundAgain(orderId: string, options: OrderOptions): Promise<number> {
  const refund = await new Api(options).post<object>(
    `/v1/orders/${encodeURIComponent(orderId)}/refund-again`,
  );
  if (options.json) printJson(refund);
  else process.stdout.write(`Requested the refund of order ${orderId} again\n`);
  return exitCodes.ok;
}

function callBack<T>(
  orderId: string,
  what: 'paid' | 'refunded',
  more: object,
  options: OrderOptions,
): Promise<T> {
  const body = { orderId, ...more };
  const [secret] = readConfig(options.config, process.env).config.webhookSecrets;
  const headers = signCallback(secret, `weir-${what}-${orderId}`, JSON.stringify(body));
  return new Api(options).post<T>(`/v1/orders/${encodeURIComponent(orderId)}/${what}`, body, headers);
}
