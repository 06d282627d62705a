import type { FailedUnits, UnitOutcome } from '../../core/compensation/restock.ts';
import type { ParkedPayment } from '../../core/orders/payment-book.ts';
import type { DeadLetter } from '../../core/parked/dead-letter.ts';
import type { Settled } from '../../core/results/classify-result.ts';
import type { QueueReading, Way } from '../../core/results/rescuer.ts';
import type { InstanceResult } from '../../core/results/result.ts';
import type { UnfitResult } from '../../core/results/take-results.ts';
import type { WeirError } from '../../errors.ts';
import type { Audit } from '../audit/audit.ts';
import type { Backlog } from '../live/backlog.ts';

/** Telemetry events, in the past tense. Logs and metrics derive only from them. */
export type TelemetryEvent =
  | { type: 'started'; addr: string; stores: Record<string, string>; roles: readonly string[] }
  | { type: 'stopping'; signal: string }
  | { type: 'stopped' }
  | { type: 'stop hung'; part: string }
  | { type: 'migrated'; migrations: string[] }
  | { type: 'instances created'; counts: ReadonlyMap<string, number>; durationMs: number }
  | { type: 'events published'; count: number; durationMs: number }
  | { type: 'payment parked'; item: ParkedPayment; error: WeirError }
  | { type: 'payment refused'; orderId: string; code: string; detail: string }
  | { type: 'messages refused'; count: number; why: string; parked: number }
  | { type: 'entries parked'; entries: readonly { stream: string; id: string; error: WeirError }[] }
  | { type: 'results settled'; counts: ReadonlyMap<Settled, number> }
  | ResultsJudged
  | { type: 'results parked'; results: readonly UnfitResult[] }
  | { type: 'dead letters parked'; letters: readonly DeadLetter[] }
  | { type: 'instances overdue'; republished: number; timedOut: number }
  | { type: 'deadlines switched'; blockedBy: Way['blockedBy'] }
  | { type: 'queues read'; readings: ReadonlyMap<string, QueueReading> | undefined }
  | { type: 'refunds requested again'; count: number }
  | { type: 'units restocked'; outcomes: readonly UnitOutcome[] }
  | ({ type: 'restocks failed' } & FailedUnits)
  | { type: 'sale rebuilt'; stream: string; sale: number; why: string; lost: number }
  | { type: 'sale closed'; stream: string; sale: number; why: string }
  | { type: 'orders expired'; count: number }
  | { type: 'parked item resolved'; id: string; state: string; by: string; resolution: string }
  | ParkedJobStepped
  | ActivityRecorded
  | { type: 'audited'; audit: Audit; isPeriodic: boolean }
  | { type: 'cleaned'; what: string; count: number }
  | { type: 'resource domain answered'; tally: object }
  | { type: 'store failed'; store: string; error: unknown; attempt: number }
  | { type: 'store foreign'; store: string; why: string }
  | { type: 'store back'; store: string }
  | { type: 'store refused'; store: string; reason: string; why: string }
  | { type: 'store accepted'; store: string; reason: string; isLast: boolean }
  | { type: 'command refused'; store: string; reason: string }
  | { type: 'worker id'; outcome: 'acquired' | 'lost' | 'refused'; workerId: number | undefined }
  | { type: 'backlog read'; backlog: Backlog }
  | { type: 'intake paused'; waiting: number }
  | { type: 'intake resumed'; waiting: number }
  /** Emitted for every rejection. */
  | { type: 'credential rejected'; kind: 'key' | 'signature' }
  /** At most two lines a minute per address; `others` counts the remaining addresses. */
  | { type: 'credentials rejected'; kind: 'key' | 'signature'; address: string; count: number }
  | RequestAnswered
  | { type: 'export broken off'; requestId: string; route: string; error: unknown }
  | { type: 'request failed'; requestId: string; route: string; error: unknown; traceparent: unknown }
  | { type: 'warned'; warning: string };

/** One commit of results, whether from the queue, over HTTP or replayed. */
interface ResultsJudged {
  type: 'results judged';
  results: readonly Pick<InstanceResult, 'status'>[];
  /** In the order of the results. */
  settled: readonly Settled[];
}

interface ParkedJobStepped {
  type: 'parked job stepped';
  jobId: string;
  action: string;
  by: string;
  /** Of this step. */
  done: number;
  failed: number;
  isLast: boolean;
}

interface ActivityRecorded {
  type: 'activity recorded';
  requestId: string;
  /** The name of the operator's key. */
  by: string;
  /** Method and route pattern. */
  did: string;
  /** The path's parameters. */
  on: Record<string, string>;
  asked: unknown;
}

interface RequestAnswered {
  type: 'request answered';
  requestId: string;
  method: string;
  /** The route's pattern, not the path. */
  route: string;
  status: number;
  /** The code of the problem in the answer. */
  problem: string | undefined;
  durationMs: number;
  traceparent: unknown;
}

export type Emit = (event: TelemetryEvent) => void;
