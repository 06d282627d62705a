import type { Api } from '../client/api.ts';
import { CliError, exitCodes } from '../exit-codes.ts';

/**
 * Whether every purchase would be refused for a reason that is known before, as on real stores without the demo catalogue.
 *
 * @throws CliError with what to set
 */
export async function checkSimulation(
  api: Api,
  { product, sources, hasRedis }: { product: string; sources: readonly string[]; hasRedis: boolean },
): Promise<void> {
  const { status } = await api.send('GET', `/v1/products/${product}`);
  if (status === 404) {
    const advice = 'load the demo catalogue with `weir demo -conf FILE`, or name a product with --product';
    throw new CliError(
      exitCodes.notFound,
      `cannot simulate purchases of product ${product}: it does not exist; ${advice}`,
    );
  }
  if (!sources.includes('SECKILL') || hasRedis) return;
  const { enabled } = await api.get<{ enabled: boolean }>('/v1/try');
  if (enabled) return;
  const advice =
    'pass its configuration with -conf FILE, set data.redis.addr, or use --sources ORDER,ACTIVITY';
  throw new CliError(
    exitCodes.usage,
    `cannot simulate SECKILL: the Redis of this Weir is not known here; ${advice}`,
  );
}
