import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { product } from '../bench.ts';
import { readRssMiB } from '../machine/processes.ts';
import type { Sample } from '../report/line.ts';
import type { Recorder } from '../report/recorder.ts';
import { takeTurns } from '../rounds.ts';
import { readMetrics } from './metrics.ts';
import { type Program, startWeir } from './program.ts';

const productId = '1001'; // of the demo catalogue
const purchasesPerRequest = 1000;
const lookEveryMs = 100;
const tryAgainAfterMs = 100;
const stalledAfterMs = 60_000;

export const embeddedName = 'embedded: no server, to the embedded queue';

/**
 * Weir with nothing installed but Node: stream, database and queue in one process. Loading the stream is part
 * of the time, and so are the answers of the simulated Resource Domain, as far as they arrive during the run.
 */
export async function measureEmbedded(bench: Bench, recorder: Recorder): Promise<void> {
  await takeTurns(bench, recorder, [
    {
      name: embeddedName,
      note: 'loading the stream over HTTP is part of the time',
      measure: () => measureOnce(bench),
    },
  ]);
}

async function measureOnce(bench: Bench): Promise<Sample> {
  const purchases = bench.options.embeddedCount;
  const program = await startWeir(bench, [], {});
  const origin = `http://127.0.0.1:${program.port}`;
  await expectProduct(origin);
  const before = await readMetrics(origin);

  const startedAt = performance.now();
  const loading = loadStream(bench, origin, purchases).then((askedToWait) => ({
    askedToWait,
    seconds: secondsSince(startedAt),
  }));
  // Both at the same time: entries loaded first are published while the rest is loaded. A load that fails
  // ends the wait.
  const [loaded] = await Promise.all([
    loading,
    waitUntilConfirmed(bench, program, origin, before.confirmed + purchases),
  ]);
  const seconds = secondsSince(startedAt);

  const after = await readMetrics(origin);
  if (after.created - before.created !== purchases || after.confirmed - before.confirmed !== purchases) {
    throw new Error(
      `${purchases} purchases went in, ${after.created - before.created} instances were created and ` +
        `${after.confirmed - before.confirmed} events confirmed`,
    );
  }
  const rssMiB = readRssMiB(program.pid) ?? 0;
  const figures = { loadingSeconds: loaded.seconds, askedToWait: loaded.askedToWait, rssMiB };
  return { value: purchases / seconds, figures };
}

/** Resolves with how often Weir answered that the caller should wait. */
async function loadStream(bench: Bench, origin: string, purchases: number): Promise<number> {
  let askedToWait = 0;
  for (let first = 1; first <= purchases; ) {
    bench.signal.throwIfAborted();
    const count = Math.min(purchasesPerRequest, purchases - first + 1);
    const response = await postJson(`${origin}/v1/try/seckill`, {
      productId,
      count,
      firstUserId: String(first),
    });
    if (response.status === 202) {
      first += count;
    } else if (response.status === 503 || response.status === 429) {
      askedToWait += 1;
      await sleep(tryAgainAfterMs);
    } else {
      throw new Error(`POST /v1/try/seckill answered ${response.status}: ${response.text}`);
    }
  }
  return askedToWait;
}

async function waitUntilConfirmed(
  bench: Bench,
  program: Program,
  origin: string,
  goal: number,
): Promise<void> {
  let confirmed = 0;
  let progressAt = performance.now();
  while (confirmed < goal) {
    await sleep(lookEveryMs);
    bench.signal.throwIfAborted();
    program.throwIfGone();
    const seen = (await readMetrics(origin)).confirmed;
    if (seen > confirmed) progressAt = performance.now();
    confirmed = seen;
    bench.progress.tick('embedded', confirmed, goal);
    if (performance.now() - progressAt > stalledAfterMs) {
      throw new Error(`nothing moved for 60 s at ${confirmed} of ${goal} events:\n${program.readLogTail()}`);
    }
  }
}

// `weir start` alone need not load the demo catalogue.
async function expectProduct(origin: string): Promise<void> {
  const found = await fetch(`${origin}/v1/products/${productId}`);
  await found.arrayBuffer();
  if (found.status === 200) return;
  const { name, cpus, memoryMb, gpu, image, priceCents } = product;
  const body = {
    id: productId,
    name,
    cpus,
    memoryMb,
    gpu,
    image,
    priceCents: String(priceCents),
    enabled: true,
  };
  const created = await postJson(`${origin}/v1/products`, body);
  if (created.status !== 201)
    throw new Error(`POST /v1/products answered ${created.status}: ${created.text}`);
}

async function postJson(url: string, body: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  return { status: response.status, text: await response.text() };
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}
