import pg from 'pg';
import { expect } from 'vitest';
import { pollUntil } from './poll-until.ts';
import { drainQueue } from './stores.ts';

export interface Expected {
  databaseUrl: string;
  queue: string;
  /** The purchases that were accepted: `source scope sourceId userId`. */
  purchases: readonly string[];
  /** Entries that must be parked, by source id. */
  parked?: readonly string[];
}

interface Row {
  instance_id: string;
  key: string;
}

/** Waits until nothing is in progress, then checks P1, P2, P3 and P5 against the stores. */
export async function expectPromisesHold({
  databaseUrl,
  queue,
  purchases,
  parked = [],
}: Expected): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    await pollUntil('all purchases to become rows and all batches to go', 30_000, async () => {
      const { rows } = await client.query(`SELECT (SELECT count(*)::int FROM instance_logs) AS instances,
        (SELECT count(*)::int FROM outbox) AS batches, (SELECT count(*)::int FROM parked) AS parked`);
      expect(rows[0]).toEqual({ instances: purchases.length, batches: 0, parked: parked.length });
    });
    const { rows } = await client.query<Row>(`SELECT instance_id::text,
      source || ' ' || scope || ' ' || source_id || ' ' || user_id AS key FROM instance_logs`);
    // P1 and P2: each purchase has exactly one row.
    expect(rows.map(({ key }) => key).sort()).toEqual([...purchases].sort());
    expect(new Set(rows.map(({ instance_id }) => instance_id)).size).toBe(rows.length);
    const found = await client.query<{ source_id: string }>('SELECT source_id FROM parked');
    expect(found.rows.map(({ source_id }) => source_id).sort()).toEqual([...parked].sort());
    await expectHeard(queue, rows);
  } finally {
    await client.end();
  }
}

/** P3: each row's event is on the queue at least once, always with the same bytes, and no other event is. */
async function expectHeard(queue: string, rows: readonly Row[]): Promise<void> {
  const bodies = new Map<string, string>();
  for (const { id, body } of await drainQueue(queue, rows.length)) {
    const hex = body.toString('hex');
    // An expect for each of twenty thousand would take longer than the flood.
    const known = bodies.get(id);
    if (known !== undefined && known !== hex) expect(hex).toBe(known);
    bodies.set(id, hex);
  }
  expect([...bodies.keys()].sort()).toEqual(rows.map(({ instance_id }) => instance_id).sort());
}
