import { weirPipeline } from '../alternatives/alternatives.ts';
import { packaged } from '../alternatives/list.ts';
import { seed } from '../alternatives/seed.ts';
import { brokerAlone } from '../limits/broker.ts';
import { bareFastify } from '../limits/http.ts';
import { commitAndConfirmName } from '../limits/one-at-a-time.ts';
import { isDurable } from '../machine/settings.ts';
import type { PartName } from '../options.ts';
import { acceptedBuys, soldOutAnswers } from '../weir/admission.ts';
import { backlogGrowth } from '../weir/backlog.ts';
import { oneStatement, oneTransaction, weirCallback } from '../weir/callback.ts';
import {
  acceptedInCluster,
  acceptedOnOneNode,
  confirmedInCluster,
  confirmedOnOneNode,
} from '../weir/cluster.ts';
import { embeddedName } from '../weir/embedded.ts';
import { emptyTable, manyReplicas, rowsBefore, someRepeats } from '../weir/growth.ts';
import { latencyName } from '../weir/latency.ts';
import { pipelineNextToIt, wholeLife } from '../weir/lifecycle.ts';
import { fullyObserved, notObserved } from '../weir/observability.ts';
import { vacuumBlocked, vacuumBlockedLate, vacuumFree, vacuumFreeLate } from '../weir/vacuum.ts';
import { slowestView } from '../weir/views.ts';
import { formatNumber, formatRate } from './format.ts';
import { findCpu, findMedian, type Report } from './report.ts';

export interface Verdict {
  readonly budget: string;
  /** The ratio of two medians, or a figure with its unit. */
  readonly figure: string;
  readonly limit: string;
  readonly outcome: 'met' | 'not met' | 'not judged';
  /** Why it is not judged. */
  readonly because?: string;
}

interface Budget {
  readonly part: PartName;
  readonly budget: string;
  readonly isAtLeast: boolean;
  readonly limit: number;
  /** undefined: not measured. */
  readonly find: (report: Report) => number | undefined;
  readonly format?: (value: number) => string;
  /** No part of it waits for a disk. */
  readonly isInMemory?: boolean;
  readonly needsVacuum?: boolean;
}

const least = 5;

const budgets: readonly Budget[] = [
  ratio('alternatives', 'stream → confirmed / broker alone', 0.8, weirPipeline, brokerAlone),
  {
    ...{ part: 'alternatives', budget: 'stream → confirmed / best packaged alternative' },
    ...{ isAtLeast: true, limit: 6 },
    find: (report) => divide(findMedian(report, 'alternatives', weirPipeline), findBestPackaged(report)),
  },
  ratio('alternatives', "stream → confirmed / the seed's flow", 7, weirPipeline, seed.name),
  ratio('callback', `callback / ${oneTransaction}`, 3, weirCallback, oneTransaction),
  ratio('callback', `callback / ${oneStatement}`, 1.8, weirCallback, oneStatement),
  {
    ...ratio(
      'latency',
      'callback p99 at half load / one commit + one confirm',
      2,
      latencyName('callback answered', 50),
      commitAndConfirmName,
    ),
    isAtLeast: false,
  },
  ratio('lifecycle', 'whole life / pipeline', 0.5, wholeLife, pipelineNextToIt),
  { ...ratio('admission', 'sold out / bare route', 0.9, soldOutAnswers, bareFastify), isInMemory: true },
  ratio('admission', 'accepted / bare route', 0.55, acceptedBuys, bareFastify),
  {
    ...{ part: 'growth', budget: 'most rows / empty table', isAtLeast: true, limit: 0.95 },
    find: (report) => divide(findMostRows(report), findMedian(report, 'growth', emptyTable)),
  },
  { ...ratio('vacuum', 'vacuum blocked / free', 0.85, vacuumBlocked, vacuumFree), needsVacuum: true },
  {
    ...ratio('vacuum', 'vacuum blocked / free, last third', 0.85, vacuumBlockedLate, vacuumFreeLate),
    needsVacuum: true,
  },
  ratio('growth', '5 % repeats / none', 0.9, someRepeats, emptyTable),
  ratio('growth', '4 replicas / 1 replica', 0.95, manyReplicas, emptyTable),
  {
    ...{ part: 'growth', budget: '4 replicas / 1 replica, CPU of a purchase', isAtLeast: false, limit: 1.15 },
    find: (report) => divide(findCpu(report, 'growth', manyReplicas), findCpu(report, 'growth', emptyTable)),
  },
  {
    ...{ part: 'embedded', budget: 'embedded', isAtLeast: true, limit: 12_000, format: formatRate },
    find: (report) => findMedian(report, 'embedded', embeddedName),
  },
  {
    ...{ part: 'backlog', budget: 'resident memory over a backlog', isAtLeast: false, limit: 32 },
    find: (report) => findMedian(report, 'backlog', backlogGrowth),
    format: (value) => `${formatNumber(value)} MiB`,
  },
  {
    ...{ part: 'views', budget: 'every view, median', isAtLeast: false, limit: 200, isInMemory: true },
    find: (report) => findMedian(report, 'views', slowestView),
    format: (value) => `${formatNumber(value)} ms`,
  },
  ratio('observability', 'fully observed / not at all', 0.95, fullyObserved, notObserved),
  ratio('cluster', 'confirmed in a cluster / on one node', 0.95, confirmedInCluster, confirmedOnOneNode),
  ratio('cluster', 'accepted in a cluster / on one node', 0.95, acceptedInCluster, acceptedOnOneNode),
];

function ratio(part: PartName, budget: string, limit: number, ours: string, theirs: string): Budget {
  const find = (report: Report) => divide(findMedian(report, part, ours), findMedian(report, part, theirs));
  return { part, budget, isAtLeast: true, limit, find };
}

function divide(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

function findBestPackaged(report: Report): number | undefined {
  const rates = packaged
    .map(({ name }) => findMedian(report, 'alternatives', name))
    .filter((rate) => rate !== undefined);
  return rates.length === 0 ? undefined : Math.max(...rates);
}

function findMostRows(report: Report): number | undefined {
  const names = report.parts.growth?.lines.map(({ name }) => name) ?? [];
  const rows = names.map((name) =>
    Number(/^([\d,]+) rows before$/.exec(name)?.[1]?.replaceAll(',', '') ?? 0),
  );
  const most = Math.max(0, ...rows);
  return most === 0 ? undefined : findMedian(report, 'growth', rowsBefore(most));
}

/** One verdict for each budget whose figures exist. */
export function judge(report: Report): Verdict[] {
  return budgets.flatMap((budget): Verdict[] => {
    const value = budget.find(report);
    if (value === undefined) return [];
    const { format = (ratioValue: number) => ratioValue.toFixed(2), isAtLeast, limit } = budget;
    const isMet = isAtLeast ? value >= limit : value <= limit;
    const because = findObjection(report, budget);
    return [
      {
        ...{ budget: budget.budget, figure: format(value) },
        limit: `${isAtLeast ? '≥' : '≤'} ${budget.format ? budget.format(limit) : limit}`,
        outcome: because !== undefined ? 'not judged' : isMet ? 'met' : 'not met',
        ...(because !== undefined && { because }),
      },
    ];
  });
}

/** Why a figure cannot be compared with a budget, or undefined. */
function findObjection(report: Report, { part, isInMemory, needsVacuum }: Budget): string | undefined {
  const measured = report.parts[part];
  if (measured === undefined || measured.isQuick) return 'a quick run';
  const { servers, rounds } = measured;
  if (servers !== undefined && !isInMemory && !isDurable(servers)) return 'commits are not on disk';
  if (servers !== undefined && needsVacuum && servers.postgres.autovacuum !== 'on')
    return 'autovacuum is off';
  const isOnce = part === 'backlog' || part === 'vacuum' || part === 'views';
  if (!isOnce && rounds < least) return `fewer than ${least} rounds`;
  return undefined;
}
