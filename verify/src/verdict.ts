import type { ResourceDomain } from './domain/resource-domain.ts';
import type { Shop } from './drive/shop.ts';
import type { Evidence, SaleCounters } from './evidence/evidence.ts';
import type { History, WayFigures } from './history/history.ts';
import { type Way, ways } from './history/operation.ts';
import type { Judgement } from './judge/judge.ts';
import { findGaps, findSlowest, type Gap } from './judge/recovery.ts';
import type { Violation } from './judge/violation.ts';
import type { Target } from './options.ts';
import { withoutCredentials } from './stores/addresses.ts';

/** The document of `--json`. */
export interface Verdict {
  holds: boolean;
  /** Names the run: its products are called `Verify RUN …`. */
  run: string;
  startedAt: string;
  seconds: number;
  /** Addresses without credentials. */
  target: { urls: string[]; postgres?: string; redis?: string; rabbitmq?: string };
  ways: Record<Way, WayFigures>;
  /** Absent when the installation could not be read at the end. */
  instances?: { total: number; success: number; failed: number; processing: number };
  messages?: { events: number; repeatedEvents: number; refunds: number; releases: number };
  sale?: SaleCounters;
  /** The longest pause of each kind of progress. */
  gaps: Gap[];
  slowest?: Gap;
  violations: Violation[];
  allowed: Violation[];
  notChecked: string[];
  /** Accepted answers by way, in each second since the start. */
  series: Record<Way, number>[];
}

export interface VerdictFacts {
  target: Target;
  shop: Shop;
  history: History;
  evidence: Evidence | undefined;
  judgement: Judgement;
  domain: ResourceDomain | undefined;
  drivenFromMs: number;
}

export function buildVerdict(facts: VerdictFacts): Verdict {
  const { target, shop, history, evidence, judgement, domain } = facts;
  const eventsAtMs = domain?.events.messages.map(({ firstAtMs }) => firstAtMs) ?? [];
  const gaps = findGaps(history.operations, eventsAtMs, facts.drivenFromMs);
  const slowest = findSlowest(gaps);
  return {
    ...{ holds: judgement.violations.length === 0, run: shop.id },
    startedAt: new Date(shop.startedAtMs).toISOString(),
    seconds: (Date.now() - shop.startedAtMs) / 1000,
    target: describeTarget(target),
    ways: history.count(),
    ...(evidence && countEvidence(evidence)),
    ...{ gaps, ...judgement, notChecked: listNotChecked(target, domain !== undefined) },
    ...(slowest && { slowest }),
    series: countSeconds(history, shop.startedAtMs),
  };
}

function describeTarget({ urls, postgres, redis, rabbitmq }: Target): Verdict['target'] {
  return {
    urls: urls.map(withoutCredentials),
    ...(postgres && { postgres: withoutCredentials(postgres) }),
    ...(redis && { redis: withoutCredentials(redis) }),
    ...(rabbitmq && { rabbitmq: withoutCredentials(rabbitmq) }),
  };
}

function listNotChecked({ redis, postgres }: Target, hasDomain: boolean): string[] {
  return [
    ...(redis ? [] : ['purchases by stream, and where lost entries are (no --redis)']),
    ...(postgres ? [] : ['compensations, and the table against the API (no --postgres)']),
    ...(hasDomain ? [] : ['events, refund and release requests (another consumer takes them)']),
  ];
}

function countEvidence({ rows, messages, sale }: Evidence): Pick<Verdict, 'instances' | 'messages' | 'sale'> {
  const withStatus = (wanted: string) => rows.filter(({ status }) => status === wanted).length;
  return {
    instances: {
      total: rows.length,
      ...{
        success: withStatus('SUCCESS'),
        failed: withStatus('FAILED'),
        processing: withStatus('PROCESSING'),
      },
    },
    ...(messages && {
      messages: {
        events: messages.events.length,
        repeatedEvents: messages.events.reduce((sum, { copies }) => sum + copies - 1, 0),
        ...{ refunds: messages.refunds.length, releases: messages.releases.length },
      },
    }),
    ...(sale && {
      sale: { stock: sale.stock, sold: sale.sold, remaining: sale.remaining, restocked: sale.restocked },
    }),
  };
}

function countSeconds({ operations }: History, startedAtMs: number): Record<Way, number>[] {
  const seconds: Record<Way, number>[] = [];
  for (const { way, attempts } of operations) {
    const accepted = attempts.find(({ answer }) => answer.outcome === 'ok');
    if (!accepted) continue;
    const second = Math.max(0, Math.floor((accepted.answeredAtMs - startedAtMs) / 1000));
    while (seconds.length <= second) {
      seconds.push(Object.fromEntries(ways.map((each) => [each, 0])) as Record<Way, number>);
    }
    const counts = seconds[second] as Record<Way, number>;
    counts[way]++;
  }
  return seconds;
}
