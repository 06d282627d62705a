import { describe, expect, test } from 'vitest';
import type { Backlog, DatabaseBacklog, StreamBacklog } from '../../src/ops/live/backlog.ts';
import { watchBacklog } from '../../src/ops/live/watch-backlog.ts';

const database: DatabaseBacklog = {
  outbox: new Map(),
  parked: new Map(),
  compensations: new Map(),
  processingAgeMs: 0,
  parkedJobs: { count: 0, oldestAgeMs: 0 },
  workerIds: 0,
};
const streams: StreamBacklog = { streams: 1, undelivered: 0, pending: 0, oldestAgeMs: 0 };

/** What is emitted for each place, as `known` or the failure, until there are `count` of one of them. */
async function watchUntil(
  enough: Partial<Record<Backlog['place'], number>>,
  parts: { readDatabase: () => Promise<DatabaseBacklog>; readStreams?: () => Promise<StreamBacklog> },
): Promise<Record<Backlog['place'], string[]>> {
  const stop = new AbortController();
  const told = { database: [] as string[], streams: [] as string[] };
  const watching = watchBacklog(
    {
      readStreams: undefined,
      ...parts,
      onRead(backlog) {
        const { place } = backlog;
        told[place].push(
          backlog.waiting ? 'known' : `${(backlog.error as Error).message}, ${backlog.attempt}`,
        );
        if (told[place].length === enough[place]) stop.abort();
      },
    },
    1,
    stop.signal,
  );
  await watching;
  return told;
}

const fail = async () => {
  throw new Error('away');
};

describe('what waits in one place is known while the other', () => {
  test('the backlog of one place is known while the other fails', async () => {
    const noStreams = { readDatabase: async () => database, readStreams: fail };
    expect(await watchUntil({ database: 3 }, noStreams)).toEqual({
      database: ['known', 'known', 'known'],
      streams: ['away, 1'],
    });
    const noDatabase = { readDatabase: fail, readStreams: async () => streams };
    expect(await watchUntil({ streams: 3 }, noDatabase)).toEqual({
      database: ['away, 1'],
      streams: ['known', 'known', 'known'],
    });
  });

  test('the backlog of one place is known while the other does not answer yet', async () => {
    let answer = (_: StreamBacklog) => {};
    const slow = new Promise<StreamBacklog>((resolve) => {
      answer = resolve;
    });
    let asked = 0;
    const readDatabase = async () => {
      if (++asked === 3) answer(streams);
      return database;
    };
    const told = await watchUntil({ database: 3 }, { readDatabase, readStreams: () => slow });
    expect(told.database).toEqual(['known', 'known', 'known']);
  });
});

test('a place that fails is asked again, and its failures in a row are counted', async () => {
  let asked = 0;
  const readDatabase = async () => (++asked <= 2 ? fail() : database);
  const told = await watchUntil({ database: 3 }, { readDatabase });
  expect(told).toEqual({ database: ['away, 1', 'away, 2', 'known'], streams: [] });
});
