import { pause } from '../../lib/backoff.ts';
import { systemClock } from '../../lib/clock.ts';
import type { LoadClient } from '../client/load-client.ts';
import { Latencies } from './latencies.ts';
import { LoadTally } from './load-tally.ts';
import { takeTurns } from './mix.ts';
import { runOpenLoop } from './open-loop.ts';
import { planArrivals, randomStep } from './plan-arrivals.ts';
import type { LoadPlan } from './read-load-plan.ts';
import { Sample } from './sample.ts';
import { type Accepted, createSenders, requestsOf, type Sending } from './send-purchases.ts';

export interface LoadRun {
  tally: LoadTally;
  /** How much later than planned requests began. */
  lateness: Latencies;
  accepted: Sample<Accepted>;
  startedAt: Date;
  seconds: number;
  /** Share of one core. */
  cpuShare: number;
  /** Requests that had to wait for a connection. */
  waited: number;
}

interface LoadDeps extends Pick<Sending, 'webhookSecret' | 'addEntry'> {
  client: LoadClient;
  /** Ends the arrivals; requests in flight have `graceMs` left. */
  signal: AbortSignal;
  onSecond: (tally: LoadTally) => void;
}

const mostFollowed = 300;
const graceMs = 5_000;

export async function runLoad(plan: LoadPlan, deps: LoadDeps): Promise<LoadRun> {
  const { client, signal } = deps;
  const tally = new LoadTally();
  const lateness = new Latencies();
  const accepted = new Sample<Accepted>(mostFollowed);
  const clock = systemClock;
  await client.open();
  const startedAt = new Date();
  const startedMs = clock.monotonicMs();
  const sinceStart = () => clock.monotonicMs() - startedMs;
  const senders = createSenders({
    ...{ client, product: plan.product, source: plan.source },
    ...{ webhookSecret: deps.webhookSecret, addEntry: deps.addEntry, now: () => clock.monotonicMs() },
    onSent: (request) => tally.sent(request, sinceStart()),
    onAnswer: (request, answer, plannedMs) =>
      tally.answered(request, answer, clock.monotonicMs() - plannedMs, sinceStart()),
  });
  const nextTurn = takeTurns(plan.mix);
  const usedCpu = process.cpuUsage();
  const everySecond = setInterval(deps.onSecond, 1_000, tally);
  try {
    const inFlight = await runOpenLoop({
      ...{ clock, signal, wait: pause, maxInFlight: plan.maxInFlight },
      arrivals: planArrivals(plan.shape, plan.arrivals === 'poisson' ? randomStep : undefined),
      async start(_, plannedMs) {
        lateness.add(clock.monotonicMs() - plannedMs);
        const purchase = await senders[nextTurn()](plannedMs);
        if (purchase) accepted.add(purchase);
      },
      onDropped: () => tally.dropped(requestsOf[nextTurn()][0] as string, sinceStart()),
    });
    await endRequests(inFlight, client, signal);
  } finally {
    clearInterval(everySecond);
    client.close();
  }
  const seconds = sinceStart() / 1000;
  const { user, system } = process.cpuUsage(usedCpu);
  return {
    tally,
    lateness,
    accepted,
    startedAt,
    seconds,
    cpuShare: (user + system) / 1e6 / seconds,
    waited: client.waited,
  };
}

/** Each request has a deadline of its own; after Ctrl-C the user waits. */
async function endRequests(
  inFlight: ReadonlySet<Promise<void>>,
  client: LoadClient,
  signal: AbortSignal,
): Promise<void> {
  const all = Promise.all(inFlight);
  const done = new AbortController();
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: done.signal });
  });
  const outOfPatience = aborted.then(() => pause(graceMs, done.signal)).then(() => client.close());
  await Promise.race([all, outOfPatience]);
  await all;
  done.abort();
}
