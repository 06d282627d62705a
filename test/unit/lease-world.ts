import { expect } from 'vitest';
import { postgresWorkerLeases } from '../../src/adapters/postgres/worker-leases.ts';
import { InstanceIds, type WorkerLease, type WorkerLeases } from '../../src/core/instance/instance-id.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { LeaseDatabase } from './lease-database.ts';

export const startMs = Date.UTC(2026, 5, 1);
export const leaseMs = 30_000;

/** The parts of an id, as the contract names them. */
export function readId(id: bigint): { ms: number; worker: number; sequence: number } {
  return { ms: Number(id >> 22n), worker: Number((id >> 12n) & 1023n), sequence: Number(id & 4095n) };
}

/** Time as the test sets it: one clock in the database, a monotonic one in each process. */
export class World {
  /** The running processes. */
  readonly processes: Process[] = [];
  /** All processes that ever ran. */
  readonly history: Process[] = [];
  readonly leases: WorkerLeases;
  readonly #leaseDatabase: LeaseDatabase;
  #databaseMs: number;

  private constructor(leaseDatabase: LeaseDatabase, nowMs: number) {
    this.#leaseDatabase = leaseDatabase;
    this.#databaseMs = nowMs;
    this.leases = postgresWorkerLeases(leaseDatabase.database);
  }

  static async begin(leaseDatabase: LeaseDatabase, workers = 1024, nowMs = startMs): Promise<World> {
    await leaseDatabase.reset(workers);
    await leaseDatabase.setTime(nowMs);
    return new World(leaseDatabase, nowMs);
  }

  start(durationMs = leaseMs): Process {
    const process = new Process(this, this.history.length, durationMs);
    this.processes.push(process);
    this.history.push(process);
    return process;
  }

  /** Killed: the lease stays until it expires. */
  crash(process: Process): void {
    this.processes.splice(this.processes.indexOf(process), 1);
  }

  async stop(process: Process): Promise<void> {
    await process.ids.release();
    this.crash(process);
  }

  get databaseMs(): number {
    return this.#databaseMs;
  }

  /** Time passes evenly on every clock. */
  async pass(ms: number): Promise<void> {
    for (const process of this.processes) process.monotonicMs += ms;
    await this.moveDatabaseClock(ms);
  }

  async moveDatabaseClock(ms: number): Promise<void> {
    this.#databaseMs += ms;
    await this.#leaseDatabase.setTime(this.#databaseMs);
  }

  /** Resolves when no query is running any more. */
  async end(): Promise<void> {
    for (const process of this.history) await Promise.allSettled(process.underWay);
  }
}

export type Trouble =
  /**
   * The process is paused, or the network is slow, before the statement runs or before its answer is read.
   */
  | { kind: 'late'; beforeMs: number; afterMs: number }
  /** The statement has run, and its answer is lost. */
  | { kind: 'answer lost' };

/** A process of Weir: its InstanceIds, its clock, and what it was granted. */
export class Process {
  monotonicMs: number;
  readonly ids: InstanceIds;
  /** Every lease it ever had, with the latest end of each. */
  readonly granted: WorkerLease[] = [];
  /** How many queries it has sent to the database. */
  questions = 0;
  /** The fault that its next query meets. */
  trouble: Trouble | undefined;
  readonly underWay = new Set<Promise<unknown>>();
  readonly #world: World;
  readonly #durationMs: number;
  /** By its own clock, counted from before the query. */
  #heldUntilMs = -1;

  constructor(world: World, number: number, durationMs: number) {
    this.#world = world;
    this.#durationMs = durationMs;
    // Monotonic clocks begin anywhere, and between two milliseconds.
    this.monotonicMs = 1_000_000 * number + 0.75;
    const clock: Clock = {
      monotonicMs: () => this.monotonicMs,
      wallMs: () => {
        throw new Error('ids must not look at the wall clock');
      },
    };
    this.ids = new InstanceIds(this.#watch(world.leases), durationMs, clock);
  }

  /** The worker id that it holds by its own clock; undefined when its lease is over. */
  get heldWorker(): number | undefined {
    return this.monotonicMs < this.#heldUntilMs ? this.granted.at(-1)?.workerId : undefined;
  }

  #watch({ acquire, renew, release }: WorkerLeases): WorkerLeases {
    return {
      acquire: (durationMs) =>
        this.#ask(async () => {
          const lease = await acquire(durationMs);
          if (lease) this.granted.push({ ...lease });
          return lease;
        }),
      renew: (held, nowMs, durationMs) =>
        this.#ask(async () => {
          const lease = await renew(held, nowMs, durationMs);
          const last = this.granted.at(-1);
          if (lease && last) last.untilMs = lease.untilMs;
          return lease;
        }),
      release: async (lease) => {
        this.#heldUntilMs = -1;
        await release(lease);
      },
    };
  }

  #ask(question: () => Promise<WorkerLease | undefined>): Promise<WorkerLease | undefined> {
    const answer = this.#askInTrouble(question);
    this.underWay.add(answer);
    const done = () => void this.underWay.delete(answer);
    answer.then(done, done);
    return answer;
  }

  async #askInTrouble(question: () => Promise<WorkerLease | undefined>): Promise<WorkerLease | undefined> {
    this.questions++;
    const { trouble } = this;
    this.trouble = undefined;
    const askedAt = this.monotonicMs;
    if (trouble?.kind === 'late') await this.#world.pass(trouble.beforeMs);
    const lease = await question();
    if (trouble?.kind === 'answer lost') throw new Error('connection reset');
    this.#heldUntilMs = lease ? askedAt + this.#durationMs : -1;
    if (trouble?.kind === 'late') await this.#world.pass(trouble.afterMs);
    return lease;
  }
}

/** Properties of ids under all circumstances. */
export class Register {
  readonly #seen = new Set<bigint>();
  readonly #lastOf = new Map<WorkerLease, bigint>();

  /** The ids of concurrent calls; the ids of each call ascend, those of the next call are higher. */
  note(process: Process, ...calls: (readonly InstanceId[])[]): void {
    const before = new Map(this.#lastOf);
    for (const ids of calls) {
      const last = new Map(before);
      for (const id of ids) {
        const lease = this.#check(process, id);
        const previous = last.get(lease) ?? -1n;
        if (id <= previous) throw new Error(`${id} comes after ${previous}`);
        last.set(lease, id);
        if (id > (this.#lastOf.get(lease) ?? -1n)) this.#lastOf.set(lease, id);
      }
    }
  }

  #check({ granted }: Process, id: InstanceId): WorkerLease {
    if (id <= 0n || id >= 2n ** 63n) throw new Error(`${id} is not an int64 above 0`);
    if (this.#seen.has(id)) throw new Error(`${id} appears twice`);
    this.#seen.add(id);
    const { ms, worker } = readId(id);
    const lease = granted.find(
      ({ workerId, fromMs, untilMs }) => worker === workerId && ms >= fromMs && ms < untilMs,
    );
    if (lease) return lease;
    const leases = granted.map(({ workerId, fromMs, untilMs }) => `${workerId}: [${fromMs}, ${untilMs})`);
    throw new Error(`${ms} of worker ${worker} was never granted, only ${leases.join(', ')}`);
  }
}

/** No millisecond of a worker id belongs to two owners. */
export function expectDisjointLeases({ history }: World): void {
  const all = history.flatMap(({ granted }) => granted).sort((a, b) => a.fromMs - b.fromMs);
  const lastOf = new Map<number, WorkerLease>();
  for (const lease of all) {
    const last = lastOf.get(lease.workerId);
    if (last)
      expect(lease.fromMs, `worker ${lease.workerId} begins again`).toBeGreaterThanOrEqual(last.untilMs);
    lastOf.set(lease.workerId, lease);
  }
}
