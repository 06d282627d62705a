import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import { connectRedis, withDeadline } from '../../adapters/redis/connect.ts';
import { RedisSeckillStreams } from '../../adapters/redis/seckill-streams.ts';
import { type Config, readConfig } from '../../config/config.ts';
import { parseInt64 } from '../../core/instance/purchase.ts';
import { isLoopback } from '../../lib/address.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { signCallback } from '../client/sign-callback.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { printJson } from '../output/output.ts';
import { type Answered, isComplete, printOutcomes, SimulateTally } from '../output/simulate-tally.ts';
import { checkSimulation } from './check-simulation.ts';

export interface SimulateOptions extends ApiOptions {
  json?: boolean;
  rate: string;
  seconds: string;
  sources: string;
  product: string;
}

/** Buys one for `userId`. */
type Buy = (userId: bigint) => Promise<Answered>;

const maxUnderWay = 64;

/** Bounded traffic to a Weir on this machine; ends by itself, or with what it has at Ctrl-C. */
export async function runSimulate(options: SimulateOptions): Promise<number> {
  const rate = readNumber('--rate', options.rate, 20_000);
  const seconds = readNumber('--seconds', options.seconds, 3_600);
  checkProduct(options.product);
  const { config } = readConfig(options.config, process.env);
  const api = new Api(options);
  if (!isLoopback(new URL(api.url).hostname.replace(/^\[|\]$/g, ''))) {
    throw new CliError(
      exitCodes.usage,
      `${api.url} is not on this machine: simulate makes load on loopback only`,
    );
  }
  await api.get('/readyz');
  const { product } = options;
  const sources = options.sources.toUpperCase().split(',');
  await checkSimulation(api, { product, sources, hasRedis: config.data.redis.addr !== '' });
  const before = await countRows(api);
  const { buyers, close } = await openBuyers(product, sources, config, api);
  const total = rate * seconds;
  const bar = new cliProgress.SingleBar(
    {
      format: '{bar} {percentage}%  {value}/{total} purchases  {duration_formatted}',
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  );
  const showsBar = process.stderr.isTTY && !options.json;
  if (showsBar) bar.start(total, 0);
  const stop = new AbortController();
  // A second one ends it at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const startedAt = performance.now();
  try {
    const onProgress = (done: number) => showsBar && bar.update(done);
    await sendAtRate([...buyers.values()], total, rate, stop.signal, onProgress);
  } finally {
    if (showsBar) bar.stop();
    close();
  }
  const lasted = (performance.now() - startedAt) / 1000;
  const accepted = [...buyers.values()].reduce((sum, { tally }) => sum + tally.accepted, 0);
  await settleRows(api, before, accepted);
  const after = await countRows(api);
  const outcomes = [...buyers].map(([source, { tally }]) =>
    tally.toOutcome(source, (after.get(source) ?? 0) - (before.get(source) ?? 0)),
  );
  if (options.json) printJson({ seconds: lasted, sources: outcomes });
  else printOutcomes(outcomes);
  if (stop.signal.aborted) return exitCodes.interrupted;
  return outcomes.every(isComplete) ? exitCodes.ok : exitCodes.failed;
}

interface Buyer {
  buy: Buy;
  tally: SimulateTally;
}

async function openBuyers(
  product: string,
  sources: readonly string[],
  config: Config,
  api: Api,
): Promise<{ buyers: Map<string, Buyer>; close: () => void }> {
  const redis =
    config.data.redis.addr === ''
      ? undefined
      : connectRedis({
          ...{ addr: config.data.redis.addr, tls: config.data.redis.tls, name: 'simulate' },
          onConnectionError() {},
        });
  if (redis) await withDeadline(redis, 5_000, new Promise((resolve) => redis.once('ready', resolve)));
  const streams = redis && new RedisSeckillStreams(redis, redis);
  const post = async (path: string, body: object, headers?: Record<string, string>) => {
    const answer = await api.send<{ id?: string; code?: string }>(
      'POST',
      path,
      JSON.stringify(body),
      headers,
    );
    return { status: answer.status, code: answer.body.code, id: answer.body.id };
  };

  const known: Record<string, Buy> = {
    async SECKILL(userId) {
      if (!streams) return post('/v1/try/seckill', { productId: product, firstUserId: String(userId) });
      const ts = String(Math.floor(Date.now() / 1000));
      await streams.add(`stream:seckill:${product}`, [['uid', String(userId), 'ts', ts]]);
      return { status: 202 };
    },
    async ORDER(userId) {
      const order = await post('/v1/orders', { productId: product, userId: String(userId) });
      if (order.status !== 201) return order;
      const orderId = order.id ?? '';
      const body = { orderId };
      const headers = signCallback(
        config.server.http.webhookSecrets[0],
        `sim-${orderId}`,
        JSON.stringify(body),
      );
      return post(`/v1/orders/${encodeURIComponent(orderId)}/paid`, body, headers);
    },
    async ACTIVITY(userId) {
      const sourceId = `SIM${Date.now()}-${userId}`;
      const purchase = { source: 'ACTIVITY', sourceId, productId: product, userId: String(userId) };
      return post('/v1/instances', purchase);
    },
  };
  const buyers = new Map<string, Buyer>();
  for (const name of sources) {
    const buy = known[name];
    if (!buy)
      throw new CliError(
        exitCodes.usage,
        `--sources ${name}: expected some of ${Object.keys(known).join(',')}`,
      );
    buyers.set(name, { buy, tally: new SimulateTally() });
  }
  return { buyers, close: () => redis?.disconnect() };
}

/** Keeps to the rate however slow the answers are, until `maxUnderWay` wait for theirs; waits for the last of them. */
async function sendAtRate(
  buyers: readonly Buyer[],
  total: number,
  rate: number,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<void> {
  const firstUser = BigInt(randomInt(1, 2 ** 40)) * 1_000_000n;
  const startedAt = performance.now();
  let underWay = 0;
  let sent = 0;
  while ((sent < total && !signal.aborted) || underWay > 0) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * rate) + 1);
    for (; sent < due && underWay < maxUnderWay && !signal.aborted; sent++) {
      underWay++;
      void measure(buyers[sent % buyers.length] as Buyer, firstUser + BigInt(sent)).finally(() => underWay--);
    }
    onProgress(sent);
    await delay(2);
  }
}

async function measure({ buy, tally }: Buyer, userId: bigint): Promise<void> {
  const startedAt = performance.now();
  const answered = await buy(userId).catch(() => ({ status: 0 }));
  tally.add(answered, performance.now() - startedAt);
}

/** Stream entries become rows a moment later: wait for them, but not for ever. */
async function settleRows(api: Api, before: ReadonlyMap<string, number>, expected: number): Promise<void> {
  const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);
  const deadline = Date.now() + 10_000;
  while (sum(await countRows(api)) - sum(before) < expected && Date.now() < deadline) await delay(100);
}

async function countRows(api: Api): Promise<Map<string, number>> {
  const { items } = await api.get<{ items: { source: string; total: string }[] }>('/v1/stats/sources');
  return new Map(items.map(({ source, total }) => [source, Number(total)]));
}

function readNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new CliError(exitCodes.usage, `${name} ${text}: expected an integer from 1 to ${most}`);
  }
  return value;
}

function checkProduct(text: string): void {
  if (parseInt64(text) !== undefined) return;
  throw new CliError(exitCodes.usage, `--product ${text}: expected an integer from 1 to ${2n ** 63n - 1n}`);
}
