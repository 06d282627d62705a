import type { Redis } from 'ioredis';
import { Signal } from '../../lib/signal.ts';
import { withDeadline } from './connect.ts';
import { classifyRefusal, type Refusal, type RefusalReason, RefusedError } from './refusal.ts';

export interface RedisHealthDeps {
  /** A connection of its own, which no other command holds up. */
  probe: Redis;
  /** Those that do the work. */
  others: readonly Redis[];
  /** What else has to work, such as to confirm what is on disk. */
  alsoCheck?: (probe: Redis) => Promise<void>;
  /** A reason that was not there before. */
  onRefused: (refusal: Refusal) => void;
  /** A reason has gone; `isLast`: and no other is left. */
  onAccepted: (reason: RefusalReason, isLast: boolean) => void;
  /** For each command that failed. */
  onCommandRefused: (reason: RefusalReason) => void;
}

const everyMs = 1_000;
const everyMsWhileRefused = 250;
const answerDeadlineMs = 2_000;
/** A blocking read and a wait for the disk may stand before a question on the working connections. */
const otherDeadlineMs = 2_000;
const reconnectEveryMs = 500;

/** Matches the keys that an ACL for sales has to allow anyway. No product has the id 0, so it never exists. */
const probeKey = '{stream:seckill:0}:probe';

/**
 * Whether Redis does what it is asked. An open socket says nothing of a primary that was demoted, is full or hangs, so a
 * write that changes nothing is tried every second, and what working commands are refused is noticed as well.
 */
export class RedisHealth {
  readonly #deps: RedisHealthDeps;
  readonly #stop = new AbortController();
  readonly #wake = new Signal();
  readonly #loop: Promise<void>;
  /** By reason, the one that was seen last at the end. */
  readonly #held = new Map<RefusalReason, { refusal: Refusal; untilMs: number }>();
  #hasAnswered = false;
  #isServerKnown = false;
  #reconnectedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: RedisHealthDeps) {
    this.#deps = deps;
    const { probe, others } = deps;
    for (const redis of others) redis.on('refused', (error: unknown) => this.#notice(error));
    probe.on('error', (error: Error) => this.#hold(classifyRefusal(error)));
    probe.on('ready', () => {
      this.#isServerKnown = false;
      this.#wake.notify();
    });
    this.#loop = this.#run();
  }

  /** undefined while everything works, else why not. */
  notReady(): string | undefined {
    const why = this.#newest('server');
    if (why !== undefined) return why;
    const down = [this.#deps.probe, ...this.#deps.others].find(({ status }) => status !== 'ready');
    if (down) return `Redis is ${down.status}`;
    return this.#hasAnswered ? undefined : 'Redis is connecting';
  }

  /** What does not work while the rest does, such as a key of a wrong type. */
  remark(): string | undefined {
    return this.#newest('key');
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#deps.probe.disconnect();
    await this.#loop;
  }

  #newest(concerns: Refusal['concerns']): string | undefined {
    return [...this.#held.values()].findLast(({ refusal }) => refusal.concerns === concerns)?.refusal.message;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#check();
      await this.#wake.wait(this.notReady() === undefined ? everyMs : everyMsWhileRefused, signal);
    }
  }

  async #check(): Promise<void> {
    const { probe, alsoCheck } = this.#deps;
    if (probe.status !== 'ready') return;
    const wasSilent = this.#held.has('SILENT');
    try {
      await this.#tryToWrite();
      await this.#readRole();
      await alsoCheck?.(probe);
      this.#hasAnswered = true;
      this.#letGo(performance.now());
      if (wasSilent) this.#pingOthers();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const refusal = classifyRefusal(error instanceof Error && error.cause ? error.cause : error);
      // Why there is no connection any more, the connection itself reports.
      if (refusal?.reason !== 'UNREACHABLE') this.#hold(refusal);
      if (refusal?.reconnect) this.#reconnectAll();
      if (refusal?.reason === 'SILENT' && !wasSilent) this.#pingOthers();
    }
  }

  /** Redis judges this as any XADD: role, memory, replicas, disk. With NOMKSTREAM it adds nothing. */
  async #tryToWrite(): Promise<void> {
    const { probe } = this.#deps;
    await this.#ask(() => probe.xadd(probeKey, 'NOMKSTREAM', '*', 'at', '0'));
  }

  /** A replica that takes writes loses them; a cluster node or a Sentinel is not what Weir can work with. */
  async #readRole(): Promise<void> {
    const { probe } = this.#deps;
    const info = await this.#ask(() => (this.#isServerKnown ? probe.info('replication') : probe.info()));
    if (info === undefined) return;
    judgeInfo(info);
    this.#isServerKnown = true;
  }

  /** @returns undefined when this user may not ask: then it is unknown */
  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    const { probe } = this.#deps;
    try {
      return await withDeadline(probe, answerDeadlineMs, question());
    } catch (error) {
      const refusal = classifyRefusal(error);
      if (refusal?.reason === 'NOPERM') return undefined;
      // A Sentinel knows no XADD; what it is, INFO says.
      if (refusal?.reason === 'OTHER') return undefined;
      throw error;
    }
  }

  #notice(error: unknown): void {
    const refusal = classifyRefusal(error);
    if (!refusal || this.#stop.signal.aborted) return;
    const { reason } = refusal;
    this.#deps.onCommandRefused(reason);
    if (this.#newest('server') === undefined) this.#wake.notify();
    // Of one connection and one command: the check finds out whether it is more.
    if (reason !== 'SILENT' && reason !== 'UNREACHABLE' && reason !== 'OTHER') this.#hold(refusal);
  }

  #hold(refusal: Refusal | undefined): void {
    if (!refusal || this.#stop.signal.aborted) return;
    const { reason, holdMs } = refusal;
    const now = performance.now();
    const isNew = !this.#held.delete(reason);
    this.#held.set(reason, { refusal, untilMs: now + holdMs });
    if (isNew) this.#deps.onRefused(refusal);
    if (refusal.concerns === 'server') this.#letGo(now, reason);
  }

  /** Forgets what was not seen for as long as it counts. */
  #letGo(nowMs: number, except?: RefusalReason): void {
    for (const [reason, { untilMs }] of this.#held) {
      if (reason === except || untilMs > nowMs) continue;
      this.#held.delete(reason);
      this.#deps.onAccepted(reason, this.#held.size === 0);
    }
  }

  #reconnectAll(): void {
    const now = performance.now();
    if (now - this.#reconnectedAtMs < reconnectEveryMs) return;
    this.#reconnectedAtMs = now;
    for (const redis of [this.#deps.probe, ...this.#deps.others]) {
      if (redis.status === 'ready') redis.disconnect(true);
    }
  }

  /** A host that vanished leaves connections half-open, and one that only waits would find out late. */
  #pingOthers(): void {
    for (const redis of this.#deps.others) {
      if (redis.status === 'ready') withDeadline(redis, otherDeadlineMs, redis.ping()).catch(() => {});
    }
  }
}

/** @throws RefusedError when this is no server that Weir can work with */
export function judgeInfo(info: string): void {
  if (/^role:slave/m.test(info)) throw new RefusedError('READONLY', 'it is a replica');
  if (/^cluster_enabled:1/m.test(info)) throw new RefusedError('CLUSTER', 'it is a node of a cluster');
  if (/^sentinel_masters:/m.test(info)) throw new RefusedError('SENTINEL', 'it is a Sentinel');
}
