import type { Order } from './order.ts';

type OrderStepCode =
  | 'ORDER_CREATED'
  | 'PAYMENT_RECORDED'
  | 'PAYMENT_PARKED'
  | 'PAYMENT_REPLAYED'
  | 'PAYMENT_DISCARDED'
  | 'PAID'
  | 'INSTANCE_CREATED'
  | 'CANCELLED'
  | 'EXPIRED'
  | 'REFUND_REQUESTED'
  | 'REFUND_REQUESTED_AGAIN'
  | 'REFUNDED';

export interface OrderStep {
  at: Date;
  code: OrderStepCode;
  params: Record<string, string | null>;
  by: string;
}

/** What the stores know of one order. */
export interface OrderFacts {
  order: Order;
  instance: { instanceId: string; createdAt: Date } | undefined;
  /** When it was cancelled or expired. */
  endedAt: Date | undefined;
  /** What operators did, from the activity log. */
  acts: readonly { at: Date; action: string; actor: string; reason: string | null }[];
  payments: readonly {
    paymentId: string | null;
    webhookId: string | null;
    amountCents: string | null;
    recordedAt: Date;
    outcome: string;
  }[];
  parked: readonly {
    id: string;
    reason: string;
    parkedAt: Date;
    state: string;
    resolvedAt: Date | null;
    resolvedBy: string | null;
    /** Why an operator discarded it. */
    note: string | null;
    instanceId: string | null;
  }[];
  refunds: readonly {
    /** '' for the refund of the order, else the key of a further payment. */
    scope: string;
    instanceId: string | null;
    paymentId: string | null;
    amountCents: string | null;
    reason: string;
    requests: number;
    requestedAt: Date;
    refundedAt: Date | null;
  }[];
  /** Each time a refund request was sent again, as the history of its instance has it. */
  again: readonly { at: Date; actor: string }[];
}

/** The changes of an order in order of time; those of one moment in the order in which they follow from each other. */
export function buildOrderTimeline(facts: OrderFacts): OrderStep[] {
  const { order, instance, acts } = facts;
  const steps: OrderStep[] = [];
  const add = (
    at: Date | null | undefined,
    code: OrderStepCode,
    params: OrderStep['params'] = {},
    by = 'weir',
  ) => {
    if (at) steps.push({ at, code, params, by });
  };
  const actorOf = (action: string) => acts.find((act) => act.action === action)?.actor;
  const expiresAt = order.expiresAt?.toISOString() ?? null;
  const created = { amountCents: order.amountCents.toString(), expiresAt };
  add(order.createdAt, 'ORDER_CREATED', created, actorOf('ORDER_CREATED') ?? 'shop');
  for (const { recordedAt, ...payment } of facts.payments) {
    add(recordedAt, 'PAYMENT_RECORDED', payment, 'payment callback');
  }
  addParked(facts, add);
  if (instance) {
    add(order.paidAt, 'PAID', {}, 'payment callback');
    add(instance.createdAt, 'INSTANCE_CREATED', { instanceId: instance.instanceId });
  }
  addEnd(facts, actorOf('ORDER_CANCELLED'), add);
  addRefunds(facts, add);
  return steps.sort((a, b) => a.at.getTime() - b.at.getTime());
}

type Add = (
  at: Date | null | undefined,
  code: OrderStepCode,
  params?: OrderStep['params'],
  by?: string,
) => void;

function addParked({ parked }: OrderFacts, add: Add): void {
  for (const item of parked) {
    const { id: parkedId, reason, instanceId, state } = item;
    add(item.parkedAt, 'PAYMENT_PARKED', { parkedId, reason });
    const by = item.resolvedBy ?? '';
    if (state === 'REPLAYED') add(item.resolvedAt, 'PAYMENT_REPLAYED', { parkedId, instanceId }, by);
    if (state === 'DISCARDED') {
      add(item.resolvedAt, 'PAYMENT_DISCARDED', { parkedId, reason: item.note }, by);
    }
  }
}

/** A refund of an order that never had an instance follows its cancellation or expiry, which its reason then names. */
function addEnd({ order, endedAt, refunds }: OrderFacts, operator: string | undefined, add: Add): void {
  const isCancelled =
    order.status === 'CANCELLED' ||
    operator !== undefined ||
    refunds.some(({ scope, reason }) => scope === '' && reason.endsWith('CANCELLED'));
  if (isCancelled) add(endedAt, 'CANCELLED', {}, operator ?? 'shop');
  else add(endedAt, 'EXPIRED');
}

/** Why money goes back: `reason` stands with it where the Resource Domain has given one. */
function causeOf({ scope, instanceId, reason }: OrderFacts['refunds'][number]) {
  if (scope !== '') return { cause: 'FURTHER_PAYMENT' };
  return instanceId === null ? { cause: 'PAID_LATE' } : { cause: 'INSTANCE_FAILED', reason };
}

function addRefunds({ refunds, again, acts }: OrderFacts, add: Add): void {
  for (const refund of refunds) {
    const { paymentId, amountCents, requests, requestedAt, refundedAt } = refund;
    const money = { paymentId, amountCents };
    add(requestedAt, 'REFUND_REQUESTED', { ...money, ...causeOf(refund), requests: String(requests) });
    // One commit wrote both times.
    const act = acts.find(({ action, at }) => action === 'ORDER_REFUNDED' && +at === Number(refundedAt));
    const note = act?.reason ? { note: act.reason } : {};
    add(refundedAt, 'REFUNDED', { ...money, ...note }, act?.actor ?? 'payment callback');
  }
  const hasInstance = refunds.some(({ instanceId }) => instanceId !== null);
  // The history of an instance has the operators' requests as well.
  const byOperators = acts.filter(({ action }) => action === 'ORDER_REFUND_REQUESTED');
  for (const { at, actor } of hasInstance ? again : byOperators) {
    add(at, 'REFUND_REQUESTED_AGAIN', {}, actor);
  }
}
