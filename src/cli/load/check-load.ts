import type { Sale } from '../../api/answers.ts';
import type { Api } from '../client/api.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import type { Mix } from './mix.ts';

/**
 * Checks whether every purchase would be refused for a reason that is known in advance.
 *
 * @throws CliError with the remedy
 */
export async function checkLoad(
  api: Api,
  { product, mix, hasRedis }: { product: string; mix: Mix; hasRedis: boolean },
): Promise<void> {
  await api.get('/readyz');
  const found = await api.send('GET', `/v1/products/${product}`);
  if (found.status === 404) {
    const advice = 'load the demo catalogue with `weir demo -conf FILE`, or name a product with --product';
    throw new CliError(exitCodes.notFound, `cannot buy product ${product}: it does not exist; ${advice}`);
  }
  // An invalid key, or one without scope read.
  if (found.status >= 400) await api.get(`/v1/products/${product}`);
  if (mix.has('buy')) await checkSale(api, product);
  if (mix.has('stream') && !hasRedis) await checkStream(api);
}

async function checkSale(api: Api, product: string): Promise<void> {
  const { status, body: sale } = await api.send<Sale>('GET', `/v1/sales/${product}`);
  if (status === 404) {
    const advice = `open one with \`weir sale open ${product} --stock 1000\``;
    throw new CliError(exitCodes.notFound, `cannot buy product ${product}: it has no sale; ${advice}`);
  }
  if (status === 200 && sale.entry === 'ticket') {
    throw new CliError(exitCodes.usage, `cannot buy product ${product}: its sale requires tickets`);
  }
}

async function checkStream(api: Api): Promise<void> {
  const { enabled } = await api.get<{ enabled: boolean }>('/v1/try');
  if (enabled) return;
  const advice = 'pass its configuration with -conf FILE, set data.redis.addr, or use --mix order,instance';
  throw new CliError(
    exitCodes.usage,
    `cannot add entries to the stream: the Redis of this Weir is unknown here; ${advice}`,
  );
}
