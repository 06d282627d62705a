import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import { type Config, readConfig } from '../config.ts';
import { isLoopback } from '../lib/address.ts';
import { connectRedis, withDeadline } from '../redis/connect.ts';
import { RedisSeckillStreams } from '../redis/seckill-streams.ts';
import { Api, type ApiOptions } from './api.ts';
import { CliError, exitCodes } from './exit-codes.ts';
import { signCallback } from './sign-callback.ts';
import { printJson, printTable } from './table.ts';

export interface SimulateOptions extends ApiOptions {
  json?: boolean;
  rate: string;
  seconds: string;
  sources: string;
  product: string;
}

interface Tally {
  sent: number;
  /** By HTTP status; for the stream, 202 for each entry that it took. */
  answers: Map<number, number>;
  latenciesMs: number[];
}

/** Buys one for `userId`. @returns the status it was answered with */
type Buy = (userId: bigint) => Promise<number>;

const maxUnderWay = 64;

/** Bounded traffic to a Weir on this machine; ends by itself. */
export async function runSimulate(options: SimulateOptions): Promise<number> {
  const rate = readNumber('--rate', options.rate, 20_000);
  const seconds = readNumber('--seconds', options.seconds, 3_600);
  const { config } = readConfig(options.config, process.env);
  const api = new Api(options);
  if (!isLoopback(new URL(api.url).hostname.replace(/^\[|\]$/g, ''))) {
    throw new CliError(
      exitCodes.usage,
      `${api.url} is not on this machine: simulate makes load on loopback only`,
    );
  }
  await api.get('/readyz');
  const before = await countRows(api);
  const { buyers, close } = await openBuyers(options, config, api);
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
  const startedAt = performance.now();
  try {
    await sendAtRate([...buyers.values()], total, rate, (done) => showsBar && bar.update(done));
  } finally {
    if (showsBar) bar.stop();
    close();
  }
  const lasted = (performance.now() - startedAt) / 1000;
  await settleRows(
    api,
    before,
    [...buyers.values()].reduce((sum, { tally }) => sum + accepted(tally), 0),
  );
  report(options, lasted, buyers, before, await countRows(api));
  return exitCodes.ok;
}

interface Buyer {
  buy: Buy;
  tally: Tally;
}

async function openBuyers(
  options: SimulateOptions,
  config: Config,
  api: Api,
): Promise<{ buyers: Map<string, Buyer>; close: () => void }> {
  const { product } = options;
  const redis =
    config.redisAddr === ''
      ? undefined
      : connectRedis({ addr: config.redisAddr, name: 'simulate', onConnectionError() {} });
  if (redis) await withDeadline(redis, 5_000, new Promise((resolve) => redis.once('ready', resolve)));
  const streams = redis && new RedisSeckillStreams(redis, redis);
  const post = async (path: string, body: object, headers?: Record<string, string>) =>
    api.send<{ id?: string }>('POST', path, JSON.stringify(body), headers);

  const known: Record<string, Buy> = {
    async SECKILL(userId) {
      if (!streams)
        return (await post('/v1/try/seckill', { productId: product, firstUserId: String(userId) })).status;
      const ts = String(Math.floor(Date.now() / 1000));
      await streams.add(`stream:seckill:${product}`, [['uid', String(userId), 'ts', ts]]);
      return 202;
    },
    async ORDER(userId) {
      const order = await post('/v1/orders', { productId: product, userId: String(userId) });
      if (order.status !== 201) return order.status;
      const orderId = order.body.id ?? '';
      const body = { orderId };
      const headers = signCallback(config.webhookSecrets[0], `sim-${orderId}`, JSON.stringify(body));
      return (await post(`/v1/orders/${encodeURIComponent(orderId)}/paid`, body, headers)).status;
    },
    async ACTIVITY(userId) {
      const sourceId = `SIM${Date.now()}-${userId}`;
      const purchase = { source: 'ACTIVITY', sourceId, productId: product, userId: String(userId) };
      return (await post('/v1/instances', purchase)).status;
    },
  };
  const buyers = new Map<string, Buyer>();
  for (const name of options.sources.split(',')) {
    const buy = known[name];
    if (!buy)
      throw new CliError(
        exitCodes.usage,
        `--sources ${name}: expected some of ${Object.keys(known).join(',')}`,
      );
    buyers.set(name, { buy, tally: { sent: 0, answers: new Map(), latenciesMs: [] } });
  }
  return { buyers, close: () => redis?.disconnect() };
}

/** Keeps to the rate however slow the answers are, until `maxUnderWay` wait for theirs. */
async function sendAtRate(
  buyers: readonly Buyer[],
  total: number,
  rate: number,
  onProgress: (done: number) => void,
): Promise<void> {
  const firstUser = BigInt(randomInt(1, 2 ** 40)) * 1_000_000n;
  const startedAt = performance.now();
  let underWay = 0;
  let sent = 0;
  while (sent < total || underWay > 0) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * rate) + 1);
    for (; sent < due && underWay < maxUnderWay; sent++) {
      underWay++;
      void measure(buyers[sent % buyers.length] as Buyer, firstUser + BigInt(sent)).finally(() => underWay--);
    }
    onProgress(sent);
    await delay(2);
  }
}

async function measure({ buy, tally }: Buyer, userId: bigint): Promise<void> {
  const startedAt = performance.now();
  tally.sent++;
  const status = await buy(userId).catch(() => 0);
  tally.latenciesMs.push(performance.now() - startedAt);
  tally.answers.set(status, (tally.answers.get(status) ?? 0) + 1);
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

function report(
  { json }: SimulateOptions,
  seconds: number,
  buyers: ReadonlyMap<string, Buyer>,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): void {
  const rows = [...buyers].map(([source, { tally }]) => ({
    source,
    sent: tally.sent,
    accepted: accepted(tally),
    answers: Object.fromEntries(tally.answers),
    instances: (after.get(source) ?? 0) - (before.get(source) ?? 0),
    p50Ms: percentile(tally.latenciesMs, 0.5),
    p99Ms: percentile(tally.latenciesMs, 0.99),
  }));
  if (json) {
    printJson({ seconds, sources: rows });
    return;
  }
  printTable(
    ['SOURCE', 'SENT', 'ACCEPTED', 'INSTANCES', 'P50 MS', 'P99 MS', 'ANSWERS'],
    rows.map((row) => [
      row.source,
      `${row.sent}`,
      `${row.accepted}`,
      `${row.instances}`,
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      Object.entries(row.answers)
        .map(([status, count]) => `${status === '0' ? 'no answer' : status}: ${count}`)
        .join(', '),
    ]),
  );
}

function accepted({ answers }: Tally): number {
  return [...answers].reduce(
    (sum, [status, count]) => (status >= 200 && status < 300 ? sum + count : sum),
    0,
  );
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function readNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new CliError(exitCodes.usage, `${name} ${text}: expected an integer from 1 to ${most}`);
  }
  return value;
}
