import type { ResolutionStatement } from '../parked/parked-item.ts';
import type { InstanceLog } from './instance-log.ts';

export type TimelineStep =
  | 'ASKED'
  | 'PAID'
  | 'PARKED'
  | 'REPLAYED'
  | 'DISCARDED'
  | 'CREATED'
  | 'PUBLISHED'
  | 'REPUBLISHED'
  | 'ANSWERED'
  | 'SETTLED'
  | 'RESULT_LATE'
  | 'RESULT_CONFLICT'
  | 'RELEASE_REQUESTED'
  | 'RELEASE_REQUESTED_AGAIN'
  | 'RESTOCK_REQUESTED'
  | 'RESTOCKED'
  | 'REFUND_REQUESTED'
  | 'REFUND_REQUESTED_AGAIN'
  | 'REFUNDED'
  | 'NOTHING_OWED';

export interface TimelineEntry {
  at: Date;
  step: TimelineStep;
  /** null: the step says it all. */
  detail: TimelineDetail | null;
  by: TimelineActor;
}

/** What api/sentences.ts has a sentence for. */
type TimelineDetail =
  | { code: 'STREAM_ENTRY'; params: { sourceId: string; scope: string } }
  | { code: 'ORDER'; params: { orderId: string } }
  | { code: 'PURCHASE'; params: { source: string; sourceId: string } }
  | { code: 'PARKED'; params: { origin: string; reason: string } }
  | { code: 'INSTANCE'; params: { instanceId: string } }
  | { code: 'RESULT'; params: { status: string } }
  | { code: 'RESULT_WITH_REASON'; params: { status: string; reason: string } }
  | { code: 'REASON'; params: { reason: string } }
  | { code: 'CONFIRMED' | 'FOREIGN_SALE' | HistoryCause; params: Nothing }
  | ResolutionStatement;

type TimelineActor =
  | { code: 'BUYER' | 'WEIR' | 'PAYER' | 'PAYMENT_CALLBACK' | 'RESOURCE_DOMAIN'; params: Nothing }
  | { code: 'OPERATOR'; params: { name: string } };

type Nothing = Record<never, string>;

/** Why something was sent again or requested; the stored detail of such a step. */
export type HistoryCause = 'NO_RESULT' | 'ON_REQUEST' | 'NO_OWNER' | 'GIVEN_UP' | 'REFUND_NOT_REPORTED';

/** What the stores record about one instance. */
export interface TimelineFacts {
  instance: InstanceLog;
  /** When the Resource Domain answered; undefined also after a timeout. */
  answeredAt: Date | undefined;
  /** The operators who stated the result or the refund, by the activity log; undefined where programs did. */
  statedBy?: { result: string | undefined; refund: string | undefined } | undefined;
  order: { createdAt: Date; paidAt: Date | undefined } | undefined;
  /**
   * The latest time at which the queue can have confirmed the event; undefined while it waits, is parked, or
   * is too recent to tell.
   */
  publishedBy: Date | undefined;
  parked: readonly {
    origin: string;
    reason: string;
    parkedAt: Date;
    state: string;
    resolvedAt: Date | null;
    resolvedBy: string | null;
    resolution: ResolutionStatement | null;
  }[];
  history: readonly { at: Date; what: string; detail: string; actor: string }[];
  compensation:
    | { kind: string; reason: string; createdAt: Date; doneAt: Date | null; outcome: string | null }
    | undefined;
}

type Add = (
  at: Date | null | undefined,
  step: TimelineStep,
  detail?: TimelineDetail | null,
  by?: TimelineActor,
) => void;

/** Builds the timeline of an instance in order of time; simultaneous steps follow their causal order. */
export function buildTimeline(facts: TimelineFacts): TimelineEntry[] {
  const { instance } = facts;
  const entries: TimelineEntry[] = [];
  const add: Add = (at, step, detail = null, by = actorOf(weir)) => {
    if (at) entries.push({ at, step, detail, by });
  };
  const { asked, detail } = findAsked(facts);
  add(asked, 'ASKED', detail, { code: 'BUYER', params: {} });
  add(facts.order?.paidAt, 'PAID', orderOf(instance), { code: 'PAYMENT_CALLBACK', params: {} });
  for (const { origin, reason, ...item } of facts.parked) {
    add(item.parkedAt, 'PARKED', { code: 'PARKED', params: { origin, reason } });
    if (item.state !== 'PARKED') {
      add(item.resolvedAt, item.state as 'REPLAYED', item.resolution, actorOf(item.resolvedBy ?? ''));
    }
  }
  const instanceId = instance.instanceId.toString();
  add(instance.createdAt, 'CREATED', { code: 'INSTANCE', params: { instanceId } });
  add(findPublished(facts), 'PUBLISHED', { code: 'CONFIRMED', params: {} });
  for (const step of facts.history) {
    add(step.at, step.what as TimelineStep, readHistory(step), actorOf(step.actor));
  }
  const result = resultOf(instance.status, instance.reason);
  add(facts.answeredAt, 'ANSWERED', result, actorOf(facts.statedBy?.result ?? resourceDomain));
  if (instance.status !== 'PROCESSING') add(instance.updatedAt, 'SETTLED', result);
  const refundedBy = facts.statedBy?.refund;
  const payer = { code: 'PAYER', params: {} } as const;
  addCompensation(facts.compensation, refundedBy === undefined ? payer : actorOf(refundedBy), add);
  return entries.sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** A stream entry's id begins with the milliseconds of its XADD. */
function findAsked({ instance, order }: TimelineFacts): { asked: Date; detail: TimelineDetail } {
  const { source, sourceId, scope, createdAt } = instance;
  const entryMs = scope === '' ? undefined : /^(\d{1,15})-\d+$/.exec(sourceId)?.[1];
  if (entryMs) {
    return {
      asked: new Date(Number(entryMs)),
      detail: { code: 'STREAM_ENTRY', params: { sourceId, scope } },
    };
  }
  if (order) return { asked: order.createdAt, detail: orderOf(instance) };
  return { asked: createdAt, detail: { code: 'PURCHASE', params: { source, sourceId } } };
}

function orderOf({ sourceId }: InstanceLog): TimelineDetail {
  return { code: 'ORDER', params: { orderId: sourceId } };
}

function resultOf(status: string, reason: string | undefined): TimelineDetail {
  return reason
    ? { code: 'RESULT_WITH_REASON', params: { status, reason } }
    : { code: 'RESULT', params: { status } };
}

/** A late or conflicting result is stored as `<status>: <reason>`, any other step with its cause. */
function readHistory({ what, detail }: TimelineFacts['history'][number]): TimelineDetail {
  if (what !== 'RESULT_LATE' && what !== 'RESULT_CONFLICT')
    return { code: detail as HistoryCause, params: {} };
  const [status = '', ...reason] = detail.split(': ');
  return resultOf(status, reason.join(': '));
}

/** Actors as they are stored; any other is an operator. */
export const weir = 'weir';
export const resourceDomain = 'resource domain';

function actorOf(name: string): TimelineActor {
  if (name === weir) return { code: 'WEIR', params: {} };
  if (name === resourceDomain) return { code: 'RESOURCE_DOMAIN', params: {} };
  return { code: 'OPERATOR', params: { name } };
}

/** An instance with a result must have been published. */
function findPublished({ publishedBy, answeredAt, instance }: TimelineFacts): Date | undefined {
  const bounds = [publishedBy, answeredAt].filter((at) => at !== undefined);
  if (bounds.length === 0) return undefined;
  const earliest = Math.min(...bounds.map((at) => at.getTime()));
  return new Date(Math.max(earliest, instance.createdAt.getTime()));
}

const requested = { RESTOCK: 'RESTOCK_REQUESTED', REFUND: 'REFUND_REQUESTED' } as const;
const done = { RESTOCK: 'RESTOCKED', REFUND: 'REFUNDED' } as const;

function addCompensation(
  compensation: TimelineFacts['compensation'],
  refundedBy: TimelineActor,
  add: Add,
): void {
  if (!compensation) return;
  const { kind, createdAt, doneAt, outcome } = compensation;
  const reason = { code: 'REASON', params: { reason: compensation.reason } } as const;
  if (kind !== 'RESTOCK' && kind !== 'REFUND') {
    add(createdAt, 'NOTHING_OWED', reason);
    return;
  }
  add(createdAt, requested[kind], reason);
  const foreign = outcome === 'NO_SALE' ? ({ code: 'FOREIGN_SALE', params: {} } as const) : null;
  add(doneAt, done[kind], foreign, kind === 'REFUND' ? refundedBy : actorOf(weir));
}
