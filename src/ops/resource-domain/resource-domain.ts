import { type InstanceId, parseInt64, parseTraceparent } from '../../core/instance/purchase.ts';
import type { InstanceResult } from '../../core/results/result.ts';
import { backoffMs, pause } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { LruMap } from '../../lib/lru-map.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import { type Behaviour, decideFate, type Fate, failure } from './fate.ts';

export interface CreatedMessage {
  messageId: string;
  traceparent?: string | null | undefined;
}

export interface CreatedQueue<Message extends CreatedMessage> {
  /** Returns between one and `count` messages; none when `signal` aborts first. */
  take(count: number, signal: AbortSignal): Promise<Message[]>;
  acknowledge(messages: readonly Message[]): Promise<void> | void;
}

interface ResourceDeps<Message extends CreatedMessage> {
  queue: CreatedQueue<Message>;
  /** Resolves when the results are on the result queue. */
  answer: (results: readonly InstanceResult[]) => Promise<void>;
  clock: Clock;
  onAnswered: (tally: Readonly<ResourceTally>) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

export interface ResourceTally {
  received: number;
  repeats: number;
  success: number;
  failed: number;
  silent: number;
  late: number;
  repeated: number;
  contradicted: number;
}

interface Answer<Message> {
  dueMs: number;
  instanceId: InstanceId;
  fate: Fate;
  /** The event and the repeats received meanwhile, acknowledged together. */
  messages: Message[];
  known: Known<Message>;
}

/** The state kept per instance, so that a repeat of its event gets the same answer. */
interface Known<Message> {
  fate: Fate;
  /** The answer for which its messages are held. */
  pending?: Answer<Message> | undefined;
  /** Wall time of the first answer. */
  answeredMs?: number | undefined;
}

const messagesPerTake = 500;
const tickMs = 5;
const rememberedIds = 200_000;
const retry = { firstMs: 100, maxMs: 5_000 };

/**
 * A simulated Resource Domain. It builds no machines, but handles messages as a real one must: deduplicates
 * by message id, repeats its answer for a repeated event, and acknowledges after its answer is on the result
 * queue. The answer depends on the message id alone, so a run is reproducible.
 */
export class ResourceDomain<Message extends CreatedMessage> {
  readonly #deps: ResourceDeps<Message>;
  readonly #behaviour: Behaviour;
  readonly #known = new LruMap<string, Known<Message>>(rememberedIds);
  /** Instances to fail whose messages have not arrived yet. */
  readonly #doomed = new LruMap<string, true>(rememberedIds);
  /** Each ordered by dueMs, since all answers in one queue have the same delay. */
  readonly #soon: Answer<Message>[] = [];
  readonly #late: Answer<Message>[] = [];
  readonly #tally: ResourceTally = {
    received: 0,
    repeats: 0,
    success: 0,
    failed: 0,
    silent: 0,
    late: 0,
    repeated: 0,
    contradicted: 0,
  };

  constructor(deps: ResourceDeps<Message>, behaviour: Behaviour) {
    this.#deps = deps;
    this.#behaviour = behaviour;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#repeat(signal, () => this.#receive(signal)),
      this.#repeat(signal, () => this.#answerDue(signal)),
    ]);
  }

  /**
   * Makes an instance fail, whatever its fate.
   * @returns false when it was already answered, or never will be
   */
  fail(instanceId: InstanceId): boolean {
    const messageId = String(instanceId);
    const nowMs = this.#deps.clock.monotonicMs();
    const answer = this.#soon.find(
      ({ instanceId: id, dueMs, known }) =>
        id === instanceId && dueMs > nowMs && known.answeredMs === undefined,
    );
    if (answer) answer.fate = failure;
    else if (!this.#known.has(messageId)) this.#doomed.set(messageId, true);
    return answer !== undefined || this.#doomed.has(messageId);
  }

  async #repeat(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await work();
        failures = 0;
      } catch (error) {
        this.#deps.onFailure(error, ++failures);
        await pauseBeforeRetry(backoffMs(failures, retry), signal);
      }
    }
  }

  async #receive(signal: AbortSignal): Promise<void> {
    const messages = await this.#deps.queue.take(messagesPerTake, signal);
    const done: Message[] = [];
    for (const message of messages) if (!this.#plan(message)) done.push(message);
    await this.#deps.queue.acknowledge(done);
  }

  /** @returns whether the message must stay on the queue until it is answered */
  #plan(message: Message): boolean {
    const { messageId } = message;
    this.#tally.received++;
    const instanceId = parseInt64(messageId) as InstanceId | undefined;
    const earlier = this.#known.get(messageId);
    if (instanceId === undefined || earlier) {
      this.#tally.repeats++;
      return (
        instanceId !== undefined && earlier !== undefined && this.#planAgain(instanceId, earlier, message)
      );
    }
    const fate = this.#doomed.delete(messageId) ? failure : decideFate(messageId, this.#behaviour);
    const known: Known<Message> = { fate };
    this.#known.set(messageId, known);
    if (fate.isSilent) {
      this.#tally.silent++;
      return false;
    }
    if (fate.isLate) {
      // Kept only in memory: held unacknowledged, late messages would exhaust the prefetch.
      this.#tally.late++;
      const dueMs = this.#deps.clock.monotonicMs() + this.#behaviour.lateMs;
      this.#late.push({ dueMs, instanceId, fate, messages: [message], known });
      return false;
    }
    this.#planAnswer(instanceId, fate, known, message);
    return true;
  }

  /** A repeat suggests that the first answer was lost, so the same answer is sent again. */
  #planAgain(instanceId: InstanceId, known: Known<Message>, message: Message): boolean {
    if (known.pending) {
      known.pending.messages.push(message);
      return true;
    }
    if (known.answeredMs === undefined) return false;
    this.#planAnswer(instanceId, { ...known.fate, repeats: false, contradicts: false }, known, message);
    return true;
  }

  #planAnswer(instanceId: InstanceId, fate: Fate, known: Known<Message>, message: Message): void {
    const dueMs = this.#deps.clock.monotonicMs() + this.#behaviour.delayMs;
    known.pending = { dueMs, instanceId, fate, messages: [message], known };
    this.#soon.push(known.pending);
  }

  async #answerDue(signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    const soon = countDue(this.#soon, nowMs);
    const late = countDue(this.#late, nowMs);
    if (soon + late === 0) return pause(tickMs, signal);
    const due = [...this.#soon.slice(0, soon), ...this.#late.slice(0, late)];
    const wallMs = this.#deps.clock.wallMs();
    await this.#deps.answer(due.flatMap((answer) => toResults(answer, answer.known.answeredMs ?? wallMs)));
    for (const { fate, known } of due) this.#finish(fate, known, wallMs);
    this.#late.splice(0, late);
    await this.#deps.queue.acknowledge(this.#soon.splice(0, soon).flatMap(({ messages }) => messages));
    this.#deps.onAnswered(this.#tally);
  }

  /** Only the first answer is counted here; repeats were counted on arrival. */
  #finish(fate: Fate, known: Known<Message>, wallMs: number): void {
    known.pending = undefined;
    if (known.answeredMs !== undefined) return;
    known.fate = fate;
    known.answeredMs = wallMs;
    this.#count(fate);
  }

  #count({ fails, repeats, contradicts }: Fate): void {
    this.#tally[fails ? 'failed' : 'success']++;
    this.#tally.repeated += repeats ? 1 : 0;
    this.#tally.contradicted += contradicts ? 1 : 0;
  }
}

function countDue(answers: readonly { dueMs: number }[], nowMs: number): number {
  const maxPerAnswer = 1_000;
  let count = 0;
  while (count < maxPerAnswer && (answers[count]?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs) count++;
  return count;
}

/** Each result continues the trace of its event. */
function toResults<Message extends CreatedMessage>(
  { instanceId, fate, messages }: Answer<Message>,
  wallMs: number,
): InstanceResult[] {
  const trace = parseTraceparent(messages[0]?.traceparent);
  const first = { ...toResult(instanceId, !fate.fails, wallMs), ...trace };
  return [
    first,
    ...(fate.repeats ? [first] : []),
    ...(fate.contradicts ? [{ ...toResult(instanceId, fate.fails, wallMs), ...trace }] : []),
  ];
}

function toResult(instanceId: InstanceId, isSuccess: boolean, wallMs: number): InstanceResult {
  const answeredAt = new Date(wallMs);
  return isSuccess
    ? { instanceId, status: 'SUCCESS', reason: '', answeredAt }
    : { instanceId, status: 'FAILED', reason: 'no capacity (simulated)', answeredAt };
}
