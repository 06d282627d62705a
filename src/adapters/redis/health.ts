import type { Redis } from 'ioredis';
import { Signal } from '../../lib/signal.ts';
import { withDeadline } from './connect.ts';
import { classifyRefusal, type Refusal, type RefusalReason, RefusedError } from './refusal.ts';
import { usualTag } from './sale-keys.ts';

interface RedisHealthDeps {
  /** A connection of its own, which no other command blocks. */
  probe: Redis;
  /** Begins the key of the trial write, which this server has to serve; by default that of a single server. */
  tag?: () => string;
  isClusterNode?: boolean;
  /** The working connections. */
  others: readonly Redis[];
  /** Another periodic check, such as the confirmation of writes to disk. */
  alsoCheck?: (probe: Redis) => Promise<void>;
  /** Called for a reason that was not active before. */
  onRefused: (refusal: Refusal) => void;
  /** Called when a reason has ended; `isLast`: no other one is active. */
  onAccepted: (reason: RefusalReason, isLast: boolean) => void;
  /** Called for each refused command. */
  onCommandRefused: (reason: RefusalReason) => void;
}

const everyMs = 1_000;
const everyMsWhileRefused = 250;
const answerDeadlineMs = 2_000;
/** A blocking read or a wait for the disk may be ahead of a command on the working connections. */
const otherDeadlineMs = 2_000;
const reconnectEveryMs = 500;

/**
 * Tracks whether Redis does what it is asked. An open socket does not show that a primary was demoted, is
 * full or hangs, so a write that changes nothing is tried every second; refusals of working commands are
 * tracked as well.
 */
export class RedisHealth {
  readonly #deps: RedisHealthDeps;
  readonly #stop = new AbortController();
  readonly #wake = new Signal();
  readonly #loop: Promise<void>;
  /** By reason; the one seen last is at the end. */
  readonly #active = new Map<RefusalReason, { refusal: Refusal; untilMs: number }>();
  #hasAnswered = false;
  #isServerKnown = false;
  #reconnectedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: RedisHealthDeps) {
    this.#deps = deps;
    const { probe, others } = deps;
    for (const redis of others) redis.on('refused', (error: unknown) => this.#onRefusedCommand(error));
    probe.on('error', (error: Error) => this.#record(classifyRefusal(error)));
    probe.on('ready', () => {
      this.#isServerKnown = false;
      this.#wake.notify();
    });
    this.#loop = this.#run();
  }

  /** Why Redis is not ready; undefined while everything works. */
  notReady(): string | undefined {
    const why = this.#newest('server');
    if (why !== undefined) return why;
    const down = [this.#deps.probe, ...this.#deps.others].find(({ status }) => status !== 'ready');
    if (down) return `Redis is ${down.status}`;
    return this.#hasAnswered ? undefined : 'Redis is connecting';
  }

  /** A partial failure, such as a key of a wrong type, while the rest works. */
  remark(): string | undefined {
    return this.#newest('key');
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#deps.probe.disconnect();
    await this.#loop;
  }

  #newest(concerns: Refusal['concerns']): string | undefined {
    return [...this.#active.values()].findLast(({ refusal }) => refusal.concerns === concerns)?.refusal
      .message;
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
    const wasSilent = this.#active.has('SILENT');
    try {
      await this.#tryToWrite();
      await this.#readRole();
      await alsoCheck?.(probe);
      this.#hasAnswered = true;
      this.#expire(performance.now());
      if (wasSilent) this.#pingOthers();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const refusal = classifyRefusal(error instanceof Error && error.cause ? error.cause : error);
      // The connection itself reports why it was lost.
      if (refusal?.reason !== 'UNREACHABLE') this.#record(refusal);
      if (refusal?.reconnect) this.#reconnectAll();
      if (refusal?.reason === 'SILENT' && !wasSilent) this.#pingOthers();
    }
  }

  /** Redis checks this like any XADD: role, memory, replicas, disk. With NOMKSTREAM it adds nothing. */
  async #tryToWrite(): Promise<void> {
    const { probe, tag = () => usualTag } = this.#deps;
    await this.#ask(() => probe.xadd(`${tag()}:probe`, 'NOMKSTREAM', '*', 'at', '0'));
  }

  /** A replica that accepts writes loses them; a cluster node or a Sentinel cannot be used by Weir. */
  async #readRole(): Promise<void> {
    const { probe } = this.#deps;
    const info = await this.#ask(() => (this.#isServerKnown ? probe.info('replication') : probe.info()));
    if (info === undefined) return;
    requireUsableServer(info, this.#deps.isClusterNode);
    this.#isServerKnown = true;
  }

  /** @returns undefined when this user may not run the command: the state is unknown */
  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    const { probe } = this.#deps;
    try {
      return await withDeadline(probe, answerDeadlineMs, question());
    } catch (error) {
      const refusal = classifyRefusal(error);
      if (refusal?.reason === 'NOPERM') return undefined;
      // A Sentinel does not know XADD; INFO shows what it is.
      if (refusal?.reason === 'OTHER') return undefined;
      throw error;
    }
  }

  #onRefusedCommand(error: unknown): void {
    const refusal = classifyRefusal(error);
    if (!refusal || this.#stop.signal.aborted) return;
    const { reason } = refusal;
    this.#deps.onCommandRefused(reason);
    if (this.#newest('server') === undefined) this.#wake.notify();
    // These may concern one connection or one command only; the periodic check finds out whether it is more.
    if (reason !== 'SILENT' && reason !== 'UNREACHABLE' && reason !== 'OTHER') this.#record(refusal);
  }

  #record(refusal: Refusal | undefined): void {
    if (!refusal || this.#stop.signal.aborted) return;
    const { reason, countsForMs } = refusal;
    const now = performance.now();
    const isNew = !this.#active.delete(reason);
    this.#active.set(reason, { refusal, untilMs: now + countsForMs });
    if (isNew) this.#deps.onRefused(refusal);
    if (refusal.concerns === 'server') this.#expire(now, reason);
  }

  /** Ends the reasons that have not been seen for as long as they count. */
  #expire(nowMs: number, except?: RefusalReason): void {
    for (const [reason, { untilMs }] of this.#active) {
      if (reason === except || untilMs > nowMs) continue;
      this.#active.delete(reason);
      this.#deps.onAccepted(reason, this.#active.size === 0);
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

  /** A vanished host leaves half-open connections; one that only waits would notice it late. */
  #pingOthers(): void {
    for (const redis of this.#deps.others) {
      if (redis.status === 'ready') withDeadline(redis, otherDeadlineMs, redis.ping()).catch(() => {});
    }
  }
}

/** @throws RefusedError for a replica, a Sentinel, or a cluster node where none is expected */
export function requireUsableServer(info: string, isClusterNode = false): void {
  if (/^role:slave/m.test(info)) throw new RefusedError('READONLY', 'it is a replica');
  if (!isClusterNode && /^cluster_enabled:1/m.test(info))
    throw new RefusedError('CLUSTER', 'it is a node of a cluster');
  if (/^sentinel_masters:/m.test(info)) throw new RefusedError('SENTINEL', 'it is a Sentinel');
}
