import { toWeirError, WeirError } from '../../errors.ts';
import { failpoint } from '../../lib/failpoint.ts';
import type { Actor } from '../actor.ts';
import type { CreateInstances } from '../instance/create-instances.ts';
import type { UserId } from '../instance/purchase.ts';
import { decodeResult } from '../results/result.ts';
import type { Settle } from '../results/take-results.ts';
import type { PaidOrder, PaymentAnswer } from '../triggers/order-paid.ts';
import type { ParkedDetail, ResolutionStatement } from './parked-item.ts';
import { type JobLease, JobStopped } from './parked-job.ts';
import { readEntry, requireFitting } from './replay-entry.ts';
import { describeAnswer, readPayment } from './replay-payment.ts';

/** The result for one item. */
export type ReplayOutcome = { id: string; instanceId: string | null } & (
  | { state: Resolution['state']; statement: ResolutionStatement }
  /** It stays parked, for this reason. */
  | { state: 'PARKED'; error: WeirError }
);

export interface ParkedRows {
  findParked(id: string): Promise<ParkedDetail | undefined>;
  /** @returns false when another operator resolved it first */
  resolveParked(id: string, resolution: Resolution): Promise<boolean>;
  /**
   * Returns the message to the outbox and resolves the item, in one commit.
   * @returns false when another operator resolved it first
   */
  returnToOutbox(id: string, resolution: Resolution): Promise<boolean>;
  /**
   * Resolves the item of a unit and records in the same commit whether its restock is due again.
   * @returns false when another operator resolved it first
   */
  decideUnit(item: ParkedDetail, resolution: Resolution): Promise<boolean>;
  /** Keeps the item parked, with the reason of this attempt. */
  noteFailedReplay(id: string, error: WeirError, job?: JobLease): Promise<void>;
}

export interface Resolution {
  state: 'REPLAYED' | 'DISCARDED';
  actor: Actor;
  statement: ResolutionStatement;
  instanceId?: string;
  /** Every row throws JobStopped when the lease of the job is over. */
  job?: JobLease | undefined;
}

/** On whose behalf. */
type By = Pick<Resolution, 'actor' | 'job'>;

interface ReplayDeps {
  rows: ParkedRows;
  createInstances: CreateInstances;
  payOrder: (paid: PaidOrder) => Promise<PaymentAnswer>;
  settle: Settle;
  isTransient: (error: unknown) => boolean;
  onResolved: (item: ParkedDetail, resolution: Resolution) => void;
}

/** An operator's options for a replay. */
export interface ReplayOptions {
  /** The buyer, for an entry whose buyer cannot be read. */
  userId?: UserId | undefined;
  /** Accepts a payment whose amount differs from the order's. */
  acceptAmount?: boolean | undefined;
  /** The job that replays the item. */
  job?: JobLease | undefined;
}

/** Replays and discards parked items. Repeating either returns the first result. */
export class ParkedReplay {
  readonly #deps: ReplayDeps;

  constructor(deps: ReplayDeps) {
    this.#deps = deps;
  }

  /**
   * Sends the item to its original destination again.
   * @throws WeirError PARKED_NOT_FOUND, PARKED_RESOLVED for a discarded one, REQUEST_INVALID or
   * PURCHASE_CONFLICT for options that do not fit it; the store's error when it is unavailable; JobStopped
   */
  async replay(id: string, actor: Actor, options: ReplayOptions = {}): Promise<ReplayOutcome> {
    const item = await this.#getParked(id);
    requireFitting(item, options);
    if (item.state === 'DISCARDED') throw alreadyResolved(item);
    if (item.state === 'REPLAYED') return outcomeOf(item);
    try {
      return await this.#replayOne(item, { actor, job: options.job }, options);
    } catch (error) {
      if (error instanceof JobStopped || this.#deps.isTransient(error)) throw error;
      const cause = toWeirError(error);
      if (cause.isTransient && cause.code !== 'INTERNAL') throw cause;
      await this.#deps.rows.noteFailedReplay(id, cause, options.job);
      return { id, state: 'PARKED', error: cause, instanceId: null };
    }
  }

  /** @throws WeirError PARKED_NOT_FOUND, PARKED_RESOLVED for a replayed one */
  async discard(id: string, actor: Actor, reason: string): Promise<ReplayOutcome> {
    const item = await this.#getParked(id);
    if (item.state === 'REPLAYED') throw alreadyResolved(item);
    if (item.state === 'DISCARDED') return outcomeOf(item);
    const resolution: Resolution = {
      ...{ state: 'DISCARDED', actor },
      statement: { code: 'NOTE', params: { note: reason } },
    };
    return item.origin === 'COMPENSATION'
      ? this.#decideUnit(item, resolution)
      : this.#resolve(item, resolution);
  }

  async #getParked(id: string): Promise<ParkedDetail> {
    const item = await this.#deps.rows.findParked(id);
    if (!item) throw new WeirError('PARKED_NOT_FOUND', `there is no parked item ${id}`);
    return item;
  }

  #replayOne(item: ParkedDetail, by: By, options: ReplayOptions): Promise<ReplayOutcome> {
    if (item.origin === 'STREAM') return this.#replayEntry(item, by, options);
    if (item.origin === 'PAYMENT') return this.#replayPayment(item, by, options);
    if (item.origin === 'RESULT') return this.#replayResult(item, by);
    if (item.origin === 'COMPENSATION') {
      const statement = { code: 'UNIT_OWED_AGAIN', params: {} } as const;
      return this.#decideUnit(item, { state: 'REPLAYED', ...by, statement });
    }
    if (item.kind === 'RESULT') return this.#replayResult(item, by);
    if (item.origin === 'DEAD_LETTER' && item.kind === '') {
      const { scope } = item;
      throw new WeirError(
        'DEAD_LETTERED',
        `cannot replay the message: Weir does not publish to queue ${scope}`,
      );
    }
    return this.#replayMessage(item, by);
  }

  /**
   * Keeps the stream's identity: if the entry has created its instance meanwhile, that instance is returned.
   */
  async #replayEntry(item: ParkedDetail, by: By, { userId }: ReplayOptions): Promise<ReplayOutcome> {
    const [outcome] = await this.#deps.createInstances([readEntry(item, userId)]);
    failpoint('after-replay');
    if (!outcome || outcome.kind === 'refused') {
      throw outcome?.error ?? new WeirError('INTERNAL', 'no outcome');
    }
    const { instance } = outcome;
    if (outcome.kind === 'conflict') {
      throw new WeirError('PURCHASE_CONFLICT', `instance ${instance.instanceId} is of another purchase`);
    }
    const instanceId = instance.instanceId.toString();
    const code = outcome.kind === 'created' ? 'INSTANCE_CREATED' : 'INSTANCE_FOUND';
    const statement = { code, params: { instanceId } } as const;
    return this.#resolve(item, { state: 'REPLAYED', ...by, statement, instanceId });
  }

  /** Uses the payment of its callback. If its order is over or already paid, the refund is requested. */
  async #replayPayment(item: ParkedDetail, by: By, { acceptAmount }: ReplayOptions): Promise<ReplayOutcome> {
    const answer = await this.#deps.payOrder({ ...readPayment(item), acceptAmount: acceptAmount ?? false });
    failpoint('after-replay');
    return this.#resolve(item, { state: 'REPLAYED', ...by, ...describeAnswer(answer) });
  }

  async #replayResult(item: ParkedDetail, by: By): Promise<ReplayOutcome> {
    const result = decodeResult(item.original, item.parkedAt);
    const [settled] = await this.#deps.settle([result]);
    failpoint('after-replay');
    if (settled === undefined || settled === 'unknown') {
      throw new WeirError('RESULT_NOT_FOUND', `there is no instance ${result.instanceId}`);
    }
    const instanceId = result.instanceId.toString();
    const params = { status: result.status, outcome: settled };
    const statement = { code: 'RESULT_SETTLED', params } as const;
    return this.#resolve(item, { state: 'REPLAYED', ...by, statement, instanceId });
  }

  async #replayMessage(item: ParkedDetail, by: By): Promise<ReplayOutcome> {
    const statement = { code: 'OUTBOX_RETURNED', params: {} } as const;
    const resolution: Resolution = { state: 'REPLAYED', ...by, statement };
    if (!(await this.#deps.rows.returnToOutbox(item.id, resolution))) {
      return outcomeOf(await this.#getParked(item.id));
    }
    this.#deps.onResolved(item, resolution);
    return { id: item.id, state: 'REPLAYED', statement, instanceId: item.instanceId };
  }

  async #decideUnit(item: ParkedDetail, resolution: Resolution): Promise<ReplayOutcome> {
    if (!(await this.#deps.rows.decideUnit(item, resolution))) {
      return outcomeOf(await this.#getParked(item.id));
    }
    this.#deps.onResolved(item, resolution);
    const { state, statement } = resolution;
    return { id: item.id, state, statement, instanceId: item.instanceId };
  }

  async #resolve(item: ParkedDetail, resolution: Resolution): Promise<ReplayOutcome> {
    if (!(await this.#deps.rows.resolveParked(item.id, resolution))) {
      return outcomeOf(await this.#getParked(item.id));
    }
    this.#deps.onResolved(item, resolution);
    const { state, statement, instanceId = null } = resolution;
    return { id: item.id, state, statement, instanceId };
  }
}

/** The outcome of an item that another operator has resolved meanwhile. */
function outcomeOf(item: ParkedDetail): ReplayOutcome {
  const { id, state, resolution, instanceId } = item;
  if (state === 'PARKED' || !resolution)
    throw new WeirError('INTERNAL', `parked item ${id} has no resolution`);
  return { id, state, statement: resolution, instanceId };
}

function alreadyResolved({ id, state, resolvedBy, resolution }: ParkedDetail): WeirError {
  const note = resolution?.code === 'NOTE' ? `: ${resolution.params.note}` : '';
  return new WeirError('PARKED_RESOLVED', `${id} was ${state.toLowerCase()} by ${resolvedBy}${note}`);
}
