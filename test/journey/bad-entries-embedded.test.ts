import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { openPglite } from '../../src/adapters/embedded/pglite.ts';
import { EmbeddedSeckillStreams } from '../../src/adapters/embedded/seckill-streams.ts';
import { startApp } from '../../src/app/start.ts';
import { readConfig } from '../../src/config/config.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createPgliteFolder, openTestPglite } from '../support/stores.ts';
import { sendRequest } from '../support/weir.ts';
import {
  type BadEntry,
  badEntries,
  disabled,
  expectParked,
  goodFields,
  type ParkedRow,
  sellable,
} from './bad-entry-cases.ts';

/** Tried three times alone by a process that was killed each time. */
const tooOften: BadEntry = {
  title: 'delivered too often',
  fields: ['uid', '5'],
  reason: 'MAX_DELIVERIES_EXCEEDED',
};
const embeddedBadEntries = [...badEntries, tooOften];

/** The stream when the program starts: good and bad entries in turn. */
async function fillEmbedded(folder: string): Promise<{ badIds: string[]; goodIds: string[] }> {
  const database = await openPglite(folder);
  try {
    await database.query(
      `INSERT INTO products (id, name, cpus, memory_mb, image, enabled) VALUES
       ($1, 'GPU Small', 4, 16384, 'ubuntu', true), ($2, 'Gone', 1, 1, 'ubuntu', false)`,
      [sellable, disabled],
    );
    const streams = new EmbeddedSeckillStreams(database, { isOnlyConsumer: true });
    const badIds: string[] = [];
    const goodIds: string[] = [];
    for (const [i, { stream = sellable, fields }] of embeddedBadEntries.entries()) {
      badIds.push(...(await streams.add(`stream:seckill:${stream}`, [fields.map(String)])));
      const good = goodFields[i] ?? ['uid', `${100 + i}`];
      goodIds.push(...(await streams.add(`stream:seckill:${sellable}`, [good])));
    }
    await database.query(
      "UPDATE embedded_stream SET consumer = 'dead', deliveries = 3000000, delivered_at = now() WHERE entry_id = $1",
      [badIds.at(-1)],
    );
    return { badIds, goodIds };
  } finally {
    await database.close();
  }
}

describe('on the embedded stream', () => {
  test('a bad embedded entry is parked with reason and bytes, its neighbours are sold', async () => {
    const folder = await createPgliteFolder();
    const { badIds, goodIds } = await fillEmbedded(folder);

    const config = readConfig(undefined, {
      WEIR_DATA_EMBEDDED_FOLDER: folder,
      WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
      WEIR_DEMO_ENABLED: 'false',
      WEIR_LOG_LEVEL: 'silent',
    }).config;
    const app = await startApp(config, { emit() {}, registry: new Registry() });
    try {
      await app.ready;
      const get = async (path: string) => (await sendRequest(app.url + path, 'GET')).body;
      await pollUntil('every entry to be sold or parked', 30_000, async () => {
        const { items: parked } = await get('/v1/parked?limit=500');
        const { items: sold } = await get('/v1/instances?limit=500');
        expect({ parked: parked.length, sold: sold.length }).toEqual({
          parked: badIds.length,
          sold: goodIds.length,
        });
      });
    } finally {
      await app.stop();
    }

    const database = await openPglite(folder);
    try {
      const sold = await database.query<{ source_id: string }>('SELECT source_id FROM instance_logs');
      expect(sold.map(({ source_id }) => source_id).sort()).toEqual([...goodIds].sort());
      for (const [i, bad] of embeddedBadEntries.entries()) {
        const [row] = await database.query<ParkedRow>('SELECT * FROM parked WHERE source_id = $1', [
          badIds[i],
        ]);
        expectParked(row, bad, badIds[i] ?? '');
      }
      expect(await database.query('SELECT entry_id FROM embedded_stream')).toEqual([]);
      expect(await database.query('SELECT id FROM outbox')).toEqual([]);
      expect(await database.query('SELECT id FROM embedded_queue')).toHaveLength(goodIds.length);
    } finally {
      await database.close();
    }
  });

  test('text that the stream cannot hold is refused on entry, with the whole batch', async () => {
    const database = await openTestPglite();
    const streams = new EmbeddedSeckillStreams(database, { isOnlyConsumer: true });
    for (const uid of ['5\0', '5\ud800']) {
      const batch = [
        ['uid', '1'],
        ['uid', uid],
      ];
      await expect(streams.add('stream:seckill:1001', batch)).rejects.toThrow();
    }
    expect(await database.query('SELECT entry_id FROM embedded_stream')).toEqual([]);
  });
});
