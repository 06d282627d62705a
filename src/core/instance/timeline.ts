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
  detail: string;
  by: string;
}

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
    resolution: string | null;
  }[];
  history: readonly { at: Date; what: string; detail: string; actor: string }[];
  compensation:
    | { kind: string; reason: string; createdAt: Date; doneAt: Date | null; outcome: string | null }
    | undefined;
}

/** Builds the timeline of an instance in order of time; simultaneous steps follow their causal order. */
export function buildTimeline(facts: TimelineFacts): TimelineEntry[] {
  const { instance } = facts;
  const entries: TimelineEntry[] = [];
  const add = (at: Date | null | undefined, step: TimelineStep, detail: string, by = 'weir') => {
    if (at) entries.push({ at, step, detail, by });
  };
  const { asked, askedBy } = findAsked(facts);
  add(asked, 'ASKED', askedBy, 'buyer');
  add(facts.order?.paidAt, 'PAID', `order ${instance.sourceId}`, 'payment callback');
  for (const item of facts.parked) {
    add(item.parkedAt, 'PARKED', `${item.origin}: ${item.reason}`);
    if (item.state !== 'PARKED') {
      add(item.resolvedAt, item.state as 'REPLAYED', item.resolution ?? '', item.resolvedBy ?? '');
    }
  }
  add(instance.createdAt, 'CREATED', `instance ${instance.instanceId}`);
  add(findPublished(facts), 'PUBLISHED', 'confirmed by the queue no later than this');
  for (const { at, what, detail, actor } of facts.history) add(at, what as TimelineStep, detail, actor);
  add(
    facts.answeredAt,
    'ANSWERED',
    instance.reason ?? instance.status,
    facts.statedBy?.result ?? 'resource domain',
  );
  if (instance.status !== 'PROCESSING') {
    add(instance.updatedAt, 'SETTLED', [instance.status, instance.reason].filter(Boolean).join(': '));
  }
  addCompensation(facts.compensation, facts.statedBy?.refund ?? 'payment', add);
  return entries.sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** A stream entry's id begins with the milliseconds of its XADD. */
function findAsked({ instance, order }: TimelineFacts): { asked: Date; askedBy: string } {
  const { source, sourceId, scope, createdAt } = instance;
  const entryMs = scope === '' ? undefined : /^(\d{1,15})-\d+$/.exec(sourceId)?.[1];
  if (entryMs) return { asked: new Date(Number(entryMs)), askedBy: `entry ${sourceId} on ${scope}` };
  if (order) return { asked: order.createdAt, askedBy: `order ${sourceId}` };
  return { asked: createdAt, askedBy: `${source} ${sourceId}` };
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
  refundedBy: string,
  add: (at: Date | null, step: TimelineStep, detail: string, by?: string) => void,
): void {
  if (!compensation) return;
  const { kind, reason, createdAt, doneAt, outcome } = compensation;
  if (kind !== 'RESTOCK' && kind !== 'REFUND') {
    add(createdAt, 'NOTHING_OWED', reason);
    return;
  }
  add(createdAt, requested[kind], reason);
  const noSale = "no sale of Weir's: the seller's own counters are not ours to change";
  add(doneAt, done[kind], outcome === 'NO_SALE' ? noSale : '', kind === 'REFUND' ? refundedBy : 'weir');
}
