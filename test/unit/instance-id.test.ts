import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresWorkerLeases } from '../../src/adapters/postgres/worker-leases.ts';
import { idEpochMs } from '../../src/core/instance/instance-id.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { type LeaseDatabase, openLeaseDatabase } from './lease-database.ts';
import {
  expectDisjointLeases,
  leaseMs,
  type Process,
  Register,
  readId,
  startMs,
  World,
} from './lease-world.ts';

const day = 86_400_000;
let leaseDatabase: LeaseDatabase;

beforeAll(async () => {
  leaseDatabase = await openLeaseDatabase();
});
afterAll(() => leaseDatabase?.close());

// Possible events, one after the other; `who` chooses among the running processes.
const who = fc.nat({ max: 3 });
const someMs = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.integer({ min: 0, max: leaseMs }),
  fc.integer({ min: leaseMs, max: 4 * leaseMs }),
);
const anyCount = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 4_000, max: 9_000 }) },
);
const anyCounts = fc.array(anyCount, { minLength: 2, maxLength: 4 });
const anyJump = fc.oneof(
  fc.integer({ min: -2 * leaseMs, max: 2 * leaseMs }),
  fc.integer({ min: -day, max: day }),
  fc.constantFrom(-1, 1, -1_000, -leaseMs),
);

const ordinarySteps = [
  fc.record({ kind: fc.constant('take' as const), who, counts: anyCount.map((count) => [count]) }),
  fc.record({ kind: fc.constant('take' as const), who, counts: anyCount.map((count) => [count]) }),
  fc.record({ kind: fc.constant('take' as const), who, counts: anyCounts }),
  // A lease of 2 ms is used up by 8192 ids, long before it expires.
  fc.record({ kind: fc.constant('start' as const), durationMs: fc.constantFrom(2, 100, leaseMs) }),
  fc.record({ kind: fc.constant('stop' as const), who }),
  fc.record({ kind: fc.constant('crash' as const), who }),
  fc.record({ kind: fc.constant('pass' as const), ms: someMs }),
  fc.record({ kind: fc.constant('late' as const), who, beforeMs: someMs, afterMs: someMs }),
  fc.record({ kind: fc.constant('answer lost' as const), who }),
];
const clockJumps = [
  fc.record({ kind: fc.constant('process clock jumps' as const), who, ms: someMs }),
  fc.record({ kind: fc.constant('database clock jumps' as const), ms: anyJump }),
  fc.record({ kind: fc.constant('database clock jumps' as const), ms: anyJump }),
];
const anyOrdinaryStep = fc.oneof(...ordinarySteps);
const anyStep = fc.oneof(...ordinarySteps, ...clockJumps);
type Step = typeof anyStep extends fc.Arbitrary<infer Kind> ? Kind : never;

class Story {
  readonly world: World;
  readonly register = new Register();
  granted = 0;
  turnedAway = 0;

  constructor(world: World) {
    this.world = world;
    world.start();
  }

  async go(step: Step): Promise<void> {
    const { world } = this;
    if (step.kind === 'pass') return world.pass(step.ms);
    if (step.kind === 'database clock jumps') return world.moveDatabaseClock(step.ms);
    if (step.kind === 'start') return void (world.processes.length < 4 && world.start(step.durationMs));
    const process = world.processes[step.who % Math.max(1, world.processes.length)];
    if (!process) return;
    if (step.kind === 'take') await this.#take(process, step.counts);
    else if (step.kind === 'stop') await world.stop(process);
    else if (step.kind === 'crash') world.crash(process);
    else if (step.kind === 'process clock jumps') process.monotonicMs += step.ms;
    else process.trouble = step;
  }

  async #take(process: Process, counts: readonly number[]): Promise<void> {
    const calls = await Promise.all(counts.map((count) => this.#takeOrBeTurnedAway(process, count)));
    this.register.note(process, ...calls);
  }

  async #takeOrBeTurnedAway(process: Process, count: number): Promise<InstanceId[]> {
    try {
      const ids = await process.ids.take(count);
      expect(ids).toHaveLength(count);
      this.granted++;
      return ids;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code !== 'WORKER_LEASE_LOST' && message !== 'connection reset') throw error;
      this.turnedAway++;
      return [];
    }
  }
}

test('an id never repeats, whatever the clocks do', async () => {
  const total = { granted: 0, turnedAway: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(anyStep, { minLength: 5, maxLength: 40, size: 'max' }),
      async (workers, steps) => {
        const story = new Story(await World.begin(leaseDatabase, workers));
        for (const step of steps) await story.go(step);
        await story.world.end();
        expectDisjointLeases(story.world);

        // No event keeps a worker id for ever.
        await story.world.moveDatabaseClock(365 * day);
        const last = story.world.start();
        story.register.note(last, await last.ids.take(5_000));
        await story.world.end();
        total.granted += story.granted;
        total.turnedAway += story.turnedAway;
      },
    ),
    { numRuns: 150, interruptAfterTimeLimit: 12_000 },
  );
  // Most requests must have been granted, and leases must have been contested.
  expect(total.granted).toBeGreaterThan(total.turnedAway);
  expect(total.turnedAway).toBeGreaterThan(0);
});

test('two processes never hold the same worker id while clocks run evenly', async () => {
  let together = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 3 }),
      fc.array(anyOrdinaryStep, { minLength: 5, maxLength: 40, size: 'max' }),
      async (workers, steps) => {
        const story = new Story(await World.begin(leaseDatabase, workers));
        story.world.start();
        for (const step of steps) {
          await story.go(step);
          const held = story.world.processes
            .map(({ heldWorker }) => heldWorker)
            .filter((worker) => worker !== undefined);
          expect(new Set(held).size, `worker ids held: ${held}`).toBe(held.length);
          if (held.length > 1) together++;
        }
        await story.world.end();
      },
    ),
    { numRuns: 30, interruptAfterTimeLimit: 12_000 },
  );
  expect(together).toBeGreaterThan(0);
});

describe('the parts of an id', () => {
  test('the parts of an id are the time since 2025, the worker id and a sequence', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start();
    const ids = await process.ids.take(3);
    expect(idEpochMs).toBe(Date.UTC(2025, 0, 1));
    expect(ids.map(readId)).toEqual(
      [0, 1, 2].map((sequence) => ({
        ms: startMs - idEpochMs,
        worker: process.granted[0]?.workerId,
        sequence,
      })),
    );
  });

  test("ids contain the database's time, whatever this computer's clock shows", async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start();
    for (const ms of [0, 1, 9_999, 5_000, 20_000, 29_999, 3_600_000]) {
      await world.pass(ms);
      const [id] = await process.ids.take(1);
      const { ms: idMs } = readId(id as InstanceId);
      expect(Math.abs(idMs + idEpochMs - world.databaseMs), `after ${ms} ms`).toBeLessThanOrEqual(1);
    }
  });

  test('ids contain the time after a restart too, with another worker id', async () => {
    const world = await World.begin(leaseDatabase);
    const seen = new Set<number>();
    for (let restart = 0; restart < 10; restart++) {
      const process = world.start();
      const [id] = await process.ids.take(1);
      const { ms, worker } = readId(id as InstanceId);
      expect(ms + idEpochMs).toBe(world.databaseMs);
      seen.add(worker);
      if (restart % 2) world.crash(process);
      else await world.stop(process);
      await world.pass(100);
    }
    expect(seen.size).toBe(10);
  });

  test('ids are positive even when the clock of the database is before 2025', async () => {
    const world = await World.begin(leaseDatabase, 1024, Date.UTC(2000, 0, 1));
    const process = world.start();
    new Register().note(process, await process.ids.take(10));
  });
});

describe('many ids', () => {
  test('more than 4096 in one take move on to later milliseconds', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start();
    const ids = await process.ids.take(10_000);
    new Register().note(process, ids);
    const milliseconds = ids.map((id) => readId(id).ms - readId(ids[0] as InstanceId).ms);
    expect(milliseconds.filter((ms) => ms === 0)).toHaveLength(4_096);
    expect(milliseconds.filter((ms) => ms === 1)).toHaveLength(4_096);
    expect(milliseconds.filter((ms) => ms === 2)).toHaveLength(10_000 - 2 * 4_096);
  });

  test('more than a whole lease holds are taken from its extensions', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start(2);
    const register = new Register();
    for (const count of [20_000, 8_192, 4_096, 1]) register.note(process, await process.ids.take(count));
    await world.end();
    expect(process.granted).toHaveLength(1);
  });

  test('exactly as many as a lease holds need no extension, and one more does', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start(2);
    const register = new Register();
    register.note(process, await process.ids.take(2 * 4_096));
    expect(process.questions).toBe(1);
    register.note(process, await process.ids.take(1));
    expect(process.questions).toBe(2);
  });

  test('ids taken at the same time by many callers are all different', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start();
    const calls = await Promise.all(Array.from({ length: 50 }, (_, i) => process.ids.take(i * 10)));
    new Register().note(process, ...calls);
    expect(process.granted).toHaveLength(1);
  });

  test('no ids are returned when none are requested', async () => {
    const process = (await World.begin(leaseDatabase)).start();
    expect(await process.ids.take(0)).toEqual([]);
  });
});

describe('a lease', () => {
  test('a lease is granted for each of the 1024 worker ids, and for no more', async () => {
    const world = await World.begin(leaseDatabase);
    await leaseDatabase.leaseAllBut([0, 511, 1023], leaseMs);
    const owners = [world.start(), world.start(), world.start()];
    for (const { ids } of owners) await ids.take(1);
    expect(owners.map(({ heldWorker }) => heldWorker)).toEqual([0, 511, 1023]);

    const last = world.start();
    await expect(last.ids.take(1)).rejects.toMatchObject({ code: 'WORKER_LEASE_LOST', isTransient: true });
    // One stops, and its worker id is free immediately.
    await world.stop(owners[1] as Process);
    const [id] = await last.ids.take(1);
    expect(readId(id as InstanceId).worker).toBe(511);
    await expect(world.start().ids.take(1)).rejects.toMatchObject({ code: 'WORKER_LEASE_LOST' });
    // All the others expire.
    await world.pass(leaseMs);
    await expect(world.start().ids.take(1)).resolves.toHaveLength(1);
  });

  test.each([
    ['0/1', 0, 1023],
    ['0/4', 0, 255],
    ['3/4', 768, 1023],
    ['15/16', 960, 1023],
  ])('cell %s leases worker ids from %i to %i, and no others', async (cell, first, last) => {
    await World.begin(leaseDatabase);
    await leaseDatabase.leaseAllBut([...new Set([0, first, last, 1023])], leaseMs);
    const leases = postgresWorkerLeases(leaseDatabase.database, cell);
    const found = [await leases.acquire(leaseMs), await leases.acquire(leaseMs)];
    expect(found.map((lease) => lease?.workerId)).toEqual([first, last]);
    expect(await leases.acquire(leaseMs)).toBeUndefined();
  });

  test('a lease is extended before its end, so a busy process never waits', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start();
    await process.ids.take(1);
    for (let round = 0; round < 20; round++) {
      await world.pass(leaseMs / 3);
      const asked = process.questions;
      const take = process.ids.take(1);
      const state = await Promise.race([take.then(() => 'done'), microtasks(5).then(() => 'waiting')]);
      expect(state).toBe('done');
      await world.end();
      expect(process.questions - asked).toBeLessThanOrEqual(1);
    }
    expect(process.granted).toHaveLength(1);
    expect(process.questions).toBeGreaterThan(5);
  });

  test('a process that slept past its lease keeps its worker id when no other took it', async () => {
    const world = await World.begin(leaseDatabase, 1);
    const process = world.start();
    const register = new Register();
    register.note(process, await process.ids.take(3));
    await world.pass(10 * leaseMs);
    register.note(process, await process.ids.take(3));
    expect(process.granted).toHaveLength(1);
  });

  test('a lease of a process that slept past its end is gone when another took it', async () => {
    const world = await World.begin(leaseDatabase, 1);
    const sleeper = world.start();
    const register = new Register();
    register.note(sleeper, await sleeper.ids.take(3));
    await world.pass(leaseMs);
    const other = world.start();
    register.note(other, await other.ids.take(3));
    await expect(sleeper.ids.take(1)).rejects.toMatchObject({ code: 'WORKER_LEASE_LOST' });
    await world.stop(other);
    register.note(sleeper, await sleeper.ids.take(3));
    expectDisjointLeases(world);
  });

  test('a lease ends by the clock of its process, even where its milliseconds reach on', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start();
    const register = new Register();
    register.note(process, await process.ids.take(1));
    // The extension begins at the clock of the database, which is an hour ahead by now.
    await world.moveDatabaseClock(3_600_000);
    await world.pass(leaseMs / 2);
    register.note(process, await process.ids.take(1));
    await world.end();
    await world.pass(leaseMs);
    process.trouble = { kind: 'answer lost' };
    await expect(process.ids.take(1)).rejects.toThrow('connection reset');
  });

  test('a lease lasts from the request, not from a late answer', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start();
    await process.ids.take(1);
    // With the clock of the database an hour ahead, only the clock of the process ends the next extension.
    await world.moveDatabaseClock(3_600_000);
    await world.pass(leaseMs);
    process.trouble = { kind: 'late', beforeMs: 4_000, afterMs: 5_000 };
    await process.ids.take(1);
    await world.pass(leaseMs - 9_000);
    process.trouble = { kind: 'answer lost' };
    await expect(process.ids.take(1)).rejects.toThrow('connection reset');
  });

  test('a lease is not taken from a process that still holds it', async () => {
    const world = await World.begin(leaseDatabase, 1);
    const holder = world.start();
    await holder.ids.take(1);
    await world.pass(leaseMs - 1);
    expect(holder.heldWorker).toBe(0);
    await expect(world.start().ids.take(1)).rejects.toMatchObject({ code: 'WORKER_LEASE_LOST' });
  });

  test('a lease whose extension fails is used to its end and requested again', async () => {
    const world = await World.begin(leaseDatabase);
    const process = world.start();
    const register = new Register();
    register.note(process, await process.ids.take(1));
    await world.pass(leaseMs / 2);
    process.trouble = { kind: 'answer lost' };
    register.note(process, await process.ids.take(1));
    await world.end();
    await world.pass(leaseMs / 2 - 1);
    register.note(process, await process.ids.take(1));
    await world.end();
    process.trouble = { kind: 'answer lost' };
    await world.pass(leaseMs);
    await expect(process.ids.take(1)).rejects.toThrow('connection reset');
    register.note(process, await process.ids.take(1));
    expect(process.granted).toHaveLength(1);
  });

  test('a lease begins above the last one when the database clock is a day behind', async () => {
    const world = await World.begin(leaseDatabase, 1);
    const register = new Register();
    for (let restart = 0; restart < 5; restart++) {
      const process = world.start();
      register.note(process, await process.ids.take(5_000));
      await world.stop(process);
      await world.moveDatabaseClock(-day);
      await world.pass(1);
      // Free only now by the clock that was set back.
      await world.moveDatabaseClock(day);
    }
    expectDisjointLeases(world);
  });

  test('a lease that another process took is not ended by its former owner', async () => {
    const world = await World.begin(leaseDatabase, 1);
    const former = world.start();
    await former.ids.take(1);
    await world.pass(leaseMs);
    const owner = world.start();
    await owner.ids.take(1);
    await world.stop(former);
    await expect(world.start().ids.take(1)).rejects.toMatchObject({ code: 'WORKER_LEASE_LOST' });
    expect(owner.heldWorker).toBe(0);
  });

  test('a lease released twice, or before there was one, does no harm', async () => {
    const world = await World.begin(leaseDatabase, 1);
    const process = world.start();
    await process.ids.release();
    await process.ids.take(1);
    await process.ids.release();
    const other = world.start();
    await other.ids.take(1);
    await process.ids.release();
    expect(other.heldWorker).toBe(0);
    await expect(world.start().ids.take(1)).rejects.toMatchObject({ code: 'WORKER_LEASE_LOST' });
  });
});

/** Far shorter than any answer of the database takes. */
async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}
