import { type InstanceId, parseInt64, parseTraceparent } from '../instance/purchase.ts';
import { backoffMs, pause } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { InstanceResult } from '../results/result.ts';

/** What the simulated Resource Domain does, in per cent of the instances; the rest succeeds in time. */
export interface Behaviour {
  /** From the event to its answer. */
  delayMs: number;
  failPercent: number;
  /** Never answered. */
  silentPercent: number;
  /** Answered after lateMs instead. */
  latePercent: number;
  lateMs: number;
  /** Answered twice in the same words. */
  repeatPercent: number;
  /** Answered a second time with the opposite. */
  contradictPercent: number;
}

export interface CreatedMessage {
  messageId: string;
  traceparent?: string | null | undefined;
}

export interface CreatedQueue<Message extends CreatedMessage> {
  /** At least one message and at most `count`; none when `signal` aborts first. */
  take(count: number, signal: AbortSignal): Promise<Message[]>;
  acknowledge(messages: readonly Message[]): Promise<void> | void;
}

export interface ResourceParts<Message extends CreatedMessage> {
  queue: CreatedQueue<Message>;
  /** Resolves when the result queue has them. */
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
  message: Message;
}

const messagesPerTake = 500;
const tickMs = 5;
const rememberedIds = 200_000;
const retry = { firstMs: 100, maxMs: 5_000 };

/**
 * A Resource Domain to work against. It builds nothing, but does with messages what a real one must: removes repeats by
 * message id and acknowledges only when its answer is on the result queue. What it answers depends on the message id
 * alone, so a run can be repeated.
 */
export class ResourceDomain<Message extends CreatedMessage> {
  readonly #parts: ResourceParts<Message>;
  readonly #behaviour: Behaviour;
  readonly #seen = new Set<string>();
  /** Are to fail although their messages have not come yet. */
  readonly #doomed = new Set<string>();
  /** In order of dueMs each, since every delay of a row is the same. */
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

  constructor(parts: ResourceParts<Message>, behaviour: Behaviour) {
    this.#parts = parts;
    this.#behaviour = behaviour;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#repeat(signal, () => this.#receive(signal)),
      this.#repeat(signal, () => this.#answerDue(signal)),
    ]);
  }

  /** Fails this one, whatever its fate was. @returns false when it has been answered for, or never will be */
  fail(instanceId: InstanceId): boolean {
    const messageId = String(instanceId);
    const nowMs = this.#parts.clock.monotonicMs();
    const answer = this.#soon.find((each) => each.instanceId === instanceId && each.dueMs > nowMs);
    if (answer) answer.fate = failure;
    else if (!this.#seen.has(messageId)) remember(this.#doomed, messageId);
    return answer !== undefined || this.#doomed.has(messageId);
  }

  async #repeat(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await work();
        failures = 0;
      } catch (error) {
        this.#parts.onFailure(error, ++failures);
        await pause(backoffMs(failures, retry), signal);
      }
    }
  }

  async #receive(signal: AbortSignal): Promise<void> {
    const messages = await this.#parts.queue.take(messagesPerTake, signal);
    const done: Message[] = [];
    for (const message of messages) if (!this.#plan(message)) done.push(message);
    await this.#parts.queue.acknowledge(done);
  }

  /** @returns whether the message must stay on the queue until it is answered */
  #plan(message: Message): boolean {
    const { messageId } = message;
    this.#tally.received++;
    const instanceId = parseInt64(messageId);
    if (instanceId === undefined || this.#seen.has(messageId)) {
      this.#tally.repeats++;
      return false;
    }
    remember(this.#seen, messageId);
    const fate = this.#doomed.delete(messageId) ? failure : decideFate(messageId, this.#behaviour);
    if (fate.isSilent) {
      this.#tally.silent++;
      return false;
    }
    const nowMs = this.#parts.clock.monotonicMs();
    const answer = { instanceId: instanceId as InstanceId, fate, message };
    if (fate.isLate) {
      // Kept in memory only: held on the queue, the late ones would use up the prefetch of all others.
      this.#tally.late++;
      this.#late.push({ dueMs: nowMs + this.#behaviour.lateMs, ...answer });
      return false;
    }
    this.#soon.push({ dueMs: nowMs + this.#behaviour.delayMs, ...answer });
    return true;
  }

  async #answerDue(signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    const soon = countDue(this.#soon, nowMs);
    const late = countDue(this.#late, nowMs);
    if (soon + late === 0) return pause(tickMs, signal);
    const due = [...this.#soon.slice(0, soon), ...this.#late.slice(0, late)];
    await this.#parts.answer(due.flatMap((answer) => toResults(answer, this.#parts.clock.wallMs())));
    await this.#parts.queue.acknowledge(this.#soon.splice(0, soon).map(({ message }) => message));
    this.#late.splice(0, late);
    for (const { fate } of due) this.#count(fate);
    this.#parts.onAnswered(this.#tally);
  }

  #count({ fails, repeats, contradicts }: Fate): void {
    this.#tally[fails ? 'failed' : 'success']++;
    this.#tally.repeated += repeats ? 1 : 0;
    this.#tally.contradicted += contradicts ? 1 : 0;
  }
}

function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  if (ids.size <= rememberedIds) return;
  const [oldest] = ids;
  if (oldest !== undefined) ids.delete(oldest);
}

function countDue(answers: readonly { dueMs: number }[], nowMs: number): number {
  const maxPerAnswer = 1_000;
  let count = 0;
  while (count < maxPerAnswer && (answers[count]?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs) count++;
  return count;
}

/** Each continues the trace of the event that it answers. */
function toResults({ instanceId, fate, message }: Answer<CreatedMessage>, wallMs: number): InstanceResult[] {
  const trace = parseTraceparent(message.traceparent);
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

export interface Fate {
  fails: boolean;
  isSilent: boolean;
  isLate: boolean;
  repeats: boolean;
  contradicts: boolean;
}

const failure: Fate = { fails: true, isSilent: false, isLate: false, repeats: false, contradicts: false };

/** By a hash of the message id: two draws, one for the answer itself and one for what follows it. */
export function decideFate(messageId: string, behaviour: Behaviour): Fate {
  const { failPercent, silentPercent, latePercent, repeatPercent, contradictPercent } = behaviour;
  const first = draw(`answer ${messageId}`);
  const second = draw(`second ${messageId}`);
  const isSilent = first < silentPercent;
  const isLate = !isSilent && first < silentPercent + latePercent;
  return {
    isSilent,
    isLate,
    fails: !isSilent && !isLate && first < silentPercent + latePercent + failPercent,
    repeats: second < repeatPercent,
    contradicts: second >= repeatPercent && second < repeatPercent + contradictPercent,
  };
}

/** 0 up to 100. FNV-1a, 32 bits, with the finalizer of MurmurHash3: ids that follow each other lie far apart. */
function draw(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return ((hash >>> 0) / 2 ** 32) * 100;
}
