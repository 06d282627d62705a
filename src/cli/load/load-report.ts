import { availableParallelism, cpus, totalmem } from 'node:os';
import { version } from '../../lib/version.ts';
import { type EvaluatedRule, evaluateRule, type FailRule, type Measured } from './fail-rules.ts';
import { type Followed, type Step, steps } from './follow-purchases.ts';
import type { LatencySummary } from './latencies.ts';
import type { RequestFigures, SecondFigures } from './load-tally.ts';
import type { LoadPlan } from './read-load-plan.ts';
import type { Stage } from './read-stages.ts';
import type { LoadRun } from './run-load.ts';

/** The document of `--json`. */
export interface LoadReport {
  url: string;
  startedAt: string;
  /** Ctrl-C ended it early. */
  interrupted: boolean;
  seconds: number;
  plan: {
    startRate: number;
    stages: readonly Stage[];
    arrivals: string;
    mix: Record<string, number>;
    product: string;
    connections: number;
    maxInFlight: number;
  };
  /** CPU of this process, which it shares with Weir when both run on one machine. */
  generator: {
    weir: string;
    node: string;
    cpu: string;
    cpus: number;
    memoryBytes: number;
    /** Share of one core; above 0.9 the generator is the bottleneck. */
    cpuShare: number;
    /** How much later than planned requests began. */
    lateness: LatencySummary | undefined;
    /** Requests that had to wait for one of the connections. */
    waited: number;
  };
  all: RequestFigures;
  requests: Record<string, RequestFigures>;
  series: SecondFigures[];
  /** Absent when the command did not wait for results. */
  followed?: {
    count: number;
    of: number;
    steps: Partial<Record<Step, LatencySummary>>;
    unfinished: number;
    unfinishedBy: Record<string, number>;
  };
  rules: EvaluatedRule[];
}

interface RunNames {
  url: string;
  isInterrupted: boolean;
}

export function buildLoadReport(
  plan: LoadPlan,
  run: LoadRun,
  followed: Followed | undefined,
  { url, isInterrupted }: RunNames,
): LoadReport {
  const { tally, seconds, accepted } = run;
  const { arrivals, product, connections, maxInFlight } = plan;
  return {
    ...{ url, startedAt: run.startedAt.toISOString(), interrupted: isInterrupted, seconds },
    plan: { ...plan.shape, arrivals, mix: Object.fromEntries(plan.mix), product, connections, maxInFlight },
    generator: {
      ...describeMachine(),
      cpuShare: run.cpuShare,
      lateness: run.lateness.summarize(),
      waited: run.waited,
    },
    all: tally.figures(),
    requests: Object.fromEntries(tally.requests.map((request) => [request, tally.figures(request)])),
    series: tally.series,
    ...(followed && { followed: showFollowed(followed, accepted.seen) }),
    rules: plan.rules.map((rule) => evaluateRule(rule, findMeasured(rule, run, followed))),
  };
}

function findMeasured(
  { of }: FailRule,
  { tally, seconds }: LoadRun,
  followed: Followed | undefined,
): Measured {
  if (steps.includes(of as Step)) return followed?.steps[of as Step] ?? {};
  const { sent, accepted, refused, errors, dropped } = tally.figures(of);
  const count = (number: number, total: number) => ({ count: number, of: total });
  return {
    at: (percent) => tally.latencies(of).at(percent),
    counts: {
      errors: count(errors, sent),
      refused: count(refused, sent),
      dropped: count(dropped, sent + dropped),
      rate: count((accepted + refused) / seconds, 1),
      ...(followed && { unfinished: count(followed.unfinished, followed.count) }),
    },
  };
}

function describeMachine() {
  return {
    weir: version,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

function showFollowed(
  { count, steps: latencies, unfinished, unfinishedBy }: Followed,
  of: number,
): NonNullable<LoadReport['followed']> {
  const summaries = steps.flatMap((step) => {
    const summary = latencies[step].summarize();
    return summary ? [[step, summary] as const] : [];
  });
  return { count, of, steps: Object.fromEntries(summaries), unfinished, unfinishedBy };
}
