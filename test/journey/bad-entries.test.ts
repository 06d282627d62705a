import { Registry } from 'prom-client';
import { beforeAll, describe, expect, test } from 'vitest';
import { openPglite } from '../../src/adapters/embedded/pglite.ts';
import { EmbeddedSeckillStreams } from '../../src/adapters/embedded/seckill-streams.ts';
import { startApp } from '../../src/app/start.ts';
import { readConfig } from '../../src/config/config.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createPgliteFolder, openTestPglite } from '../support/stores.ts';
import { sendRequest } from '../support/weir.ts';
import { shareWeir } from './share-weir.ts';

const sellable = '1001';
const disabled = '1002';
const unknown = '1999';

interface BadEntry {
  title: string;
  stream?: string;
  /** Names and values, one after the other. */
  fields: (string | Buffer)[];
  reason: string;
}

const megabytes5 = 'x'.repeat(5_000_000);

/** What both kinds of stream can hold. */
const badEntries: BadEntry[] = [
  { title: 'no uid', fields: ['ts', '1234567890'], reason: 'USER_ID_INVALID' },
  { title: 'UID in capitals only', fields: ['UID', '5'], reason: 'USER_ID_INVALID' },
  ...['', 'abc', '-1', '0', '9223372036854775808', '1e3', '1.0', ' 7', '007', '+7', '٧'].map((uid) => ({
    title: `uid ${JSON.stringify(uid)}`,
    fields: ['uid', uid, 'ts', '1234567890'],
    reason: 'USER_ID_INVALID',
  })),
  { title: 'a uid of 5 MB', fields: ['uid', megabytes5], reason: 'USER_ID_INVALID' },
  { title: 'an unknown product', stream: unknown, fields: ['uid', '5'], reason: 'PRODUCT_NOT_FOUND' },
  { title: 'a disabled product', stream: disabled, fields: ['uid', '5'], reason: 'PRODUCT_DISABLED' },
  ...['abc', '0', '-1', '01001', '9223372036854775808', '', '1001:eu', '💥'].map((stream) => ({
    title: `the key stream:seckill:${stream}`,
    stream,
    fields: ['uid', '5'],
    reason: 'PRODUCT_ID_INVALID',
  })),
];

/** What only Redis takes; jsonb, in which the embedded stream keeps its fields, holds no such text. */
const badBytes: BadEntry[] = [
  { title: 'a NUL in the uid', fields: ['uid', '5\0'], reason: 'USER_ID_INVALID' },
  {
    title: 'a uid that is not UTF-8',
    fields: ['uid', Buffer.from([0x35, 0xff, 0xfe])],
    reason: 'USER_ID_INVALID',
  },
  { title: 'a name that is not UTF-8', fields: [Buffer.from([0xc3, 0x28]), '5'], reason: 'USER_ID_INVALID' },
  {
    title: 'all bytes there are',
    fields: ['uid', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    reason: 'USER_ID_INVALID',
  },
];

/** Odd, but the user is clear: these are sold. */
const goodFields: string[][] = [
  ['uid', '1'],
  ['ts', 'x', 'uid', '9223372036854775807'],
  ['uid', '2', 'note', megabytes5],
  ['note', '\u{1F381}', 'uid', '3', '', ''],
  ['uid', '4', 'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
];

interface ParkedRow {
  origin: string;
  reason: string;
  detail: string;
  source: string;
  scope: string;
  source_id: string;
  original: Buffer;
}

/** The bytes that were put on the stream, read back from what was parked. */
function readOriginal(original: Buffer): Buffer[] {
  return (JSON.parse(original.toString()) as (string | { base64: string })[]).map((part) =>
    typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.base64, 'base64'),
  );
}

function expectParked(
  row: ParkedRow | undefined,
  { stream = sellable, fields, reason }: BadEntry,
  id: string,
): void {
  expect(row).toMatchObject({
    origin: 'STREAM',
    reason,
    source: 'SECKILL',
    scope: `stream:seckill:${stream}`,
    source_id: id,
  });
  expect(row?.detail.length).toBeLessThan(300);
  const original = readOriginal(row?.original ?? Buffer.from('[]'));
  // Compared as bytes at once: the matchers go through 5 MB one by one.
  expect(original.map((part, i) => part.equals(Buffer.from(fields[i] ?? '')))).toEqual(
    fields.map(() => true),
  );
}

describe('on Redis', () => {
  const weir = shareWeir({ WEIR_SECKILL_MINIDLEMS: '500' });
  const group = 'weir';

  beforeAll(async () => {
    await weir.database.query(
      `INSERT INTO products (id, name, cpus, memory_mb, image, enabled) VALUES
       ($1, 'GPU Small', 4, 16384, 'ubuntu', true), ($2, 'Gone', 1, 1, 'ubuntu', false)`,
      [sellable, disabled],
    );
  });

  const findParked = async (id: string, reason?: string): Promise<ParkedRow> =>
    pollUntil(`entry ${id} to be parked`, 20_000, async () => {
      const { rows } = await weir.database.query('SELECT * FROM parked WHERE source_id = $1', [id]);
      if (rows.length === 0) throw new Error(JSON.stringify(weir.lines.slice(-3)));
      if (reason) expect(rows[0].reason).toBe(reason);
      return rows[0];
    });

  const waitForNothingPending = (stream: string) =>
    pollUntil(`nothing pending on ${stream}`, 20_000, async () => {
      const [pending] = (await weir.redis.xpending(stream, group)) as [number];
      expect(pending).toBe(0);
    });

  const waitForInstances = (ids: readonly string[]) =>
    pollUntil(`instances of ${ids.length} entries`, 20_000, async () => {
      const { rows } = await weir.database.query(
        'SELECT user_id FROM instance_logs WHERE source_id = ANY ($1)',
        [ids],
      );
      expect(rows).toHaveLength(ids.length);
      return rows.map(({ user_id }) => user_id as string);
    });

  test('a bad entry is parked with reason and bytes, acknowledged, its neighbours sold', async () => {
    const all = [...badEntries, ...badBytes];
    const pipeline = weir.redis.multi();
    // A good one before, between and after the bad ones of the same batch.
    for (const [i, bad] of all.entries()) {
      pipeline.xadd(`stream:seckill:${bad.stream ?? sellable}`, '*', ...bad.fields);
      const good = goodFields[i % goodFields.length] ?? [];
      pipeline.xadd(
        `stream:seckill:${sellable}`,
        '*',
        ...(i < goodFields.length ? good : ['uid', `${100 + i}`]),
      );
    }
    const replies = (await pipeline.exec()) ?? [];
    const ids = replies.map(([error, id]) => {
      expect(error).toBeNull();
      return String(id);
    });
    const badIds = ids.filter((_, i) => i % 2 === 0);
    const goodIds = ids.filter((_, i) => i % 2 === 1);

    const users = await waitForInstances(goodIds);
    expect(users).toEqual(expect.arrayContaining(['1', '9223372036854775807', '2', '3', '4']));
    for (const [i, bad] of all.entries()) {
      const id = badIds[i] ?? '';
      const rows = await pollUntil(`${bad.title} to be parked`, 20_000, async () => {
        const scope = `stream:seckill:${bad.stream ?? sellable}`;
        const found = await weir.database.query('SELECT * FROM parked WHERE source_id = $1 AND scope = $2', [
          id,
          scope,
        ]);
        expect(found.rows).toHaveLength(1);
        return found.rows;
      });
      expectParked(rows[0], bad, id);
    }
    for (const stream of new Set(all.map((bad) => `stream:seckill:${bad.stream ?? sellable}`))) {
      await waitForNothingPending(stream);
    }
    expect(await weir.count('instance_logs')).toBe(goodIds.length);
    expect(await weir.count('parked')).toBe(all.length);
    const { rows } = await weir.database.query('SELECT instance_id FROM instance_logs');
    for (const { instance_id } of rows) await weir.waitForMessage(instance_id);
  });

  test('a parked item is shown once with its advice, however the pages are cut', async () => {
    const seen: Record<string, string>[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await weir.request('GET', `/v1/parked?limit=7${cursor}`);
      seen.push(...body.items);
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    expect(seen).toHaveLength(await weir.count('parked'));
    for (const item of seen) {
      expect(item).toMatchObject({
        origin: 'STREAM',
        source: 'SECKILL',
        advice: expect.stringMatching(/\w/),
      });
      expect(Number.isNaN(Date.parse(item.parkedAt ?? ''))).toBe(false);
    }
  });

  test('an entry whose product comes later sells from then on, a parked one stays parked', async () => {
    const late = `${uniqueNumber()}`;
    const stream = `stream:seckill:${late}`;
    const early = String(await weir.redis.xadd(stream, '*', 'uid', '5'));
    await findParked(early, 'PRODUCT_NOT_FOUND');
    await weir.database.query(
      "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES ($1, 'Late', 1, 1, 'x')",
      [late],
    );
    await waitForInstances([String(await weir.redis.xadd(stream, '*', 'uid', '5'))]);
    await findParked(early, 'PRODUCT_NOT_FOUND');
  });

  /** Entries of a consumer that died with them: handed out, not acknowledged, and in one step, so nobody is faster. */
  async function addPending(
    productId: string,
    users: string[],
    after: (stream: string, ids: string[]) => [string, ...(string | number)[]][],
  ) {
    await weir.database.query(
      "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES ($1, 'P', 1, 1, 'x')",
      [productId],
    );
    const stream = `stream:seckill:${productId}`;
    const ids = users.map((_, i) => `1700000000000-${i + 1}`);
    const transaction = weir.redis.multi();
    users.forEach((user, i) => {
      transaction.xadd(stream, ids[i] ?? '', 'uid', user);
    });
    transaction.xgroup('CREATE', stream, group, '0');
    transaction.xreadgroup('GROUP', group, 'dead', 'COUNT', users.length, 'STREAMS', stream, '>');
    for (const [name, ...words] of after(stream, ids)) transaction.call(name, ...words);
    for (const [error] of (await transaction.exec()) ?? []) expect(error).toBeNull();
    return { stream, ids };
  }

  const findParkedOn = (stream: string, id: string) =>
    pollUntil(`entry ${id} of ${stream} to be parked`, 15_000, async () => {
      const { rows } = await weir.database.query('SELECT * FROM parked WHERE scope = $1 AND source_id = $2', [
        stream,
        id,
      ]);
      expect(rows).toHaveLength(1);
      return rows[0] as ParkedRow;
    });

  const countOn = async (stream: string) => {
    const { rows } = await weir.database.query(
      'SELECT source_id FROM instance_logs WHERE scope = $1 ORDER BY source_id',
      [stream],
    );
    return rows.map(({ source_id }) => source_id);
  };

  test('an entry deleted while it was pending is parked as gone, its neighbours are sold', async () => {
    const { stream, ids } = await addPending(`${uniqueNumber()}`, ['1', '2', '3'], (name, [, second]) => [
      ['XDEL', name, second ?? ''],
    ]);
    await pollUntil('the neighbours', 15_000, async () =>
      expect(await countOn(stream)).toEqual([ids[0], ids[2]]),
    );
    await waitForNothingPending(stream);
    expect(await findParkedOn(stream, ids[1] ?? '')).toMatchObject({
      reason: 'ENTRY_DELETED',
      source: 'SECKILL',
    });
  });

  test('an entry trimmed while it was pending is parked as gone, its neighbours are sold', async () => {
    const { stream, ids } = await addPending(`${uniqueNumber()}`, ['1', '2', '3'], (name) => [
      ['XTRIM', name, 'MAXLEN', 1],
    ]);
    await pollUntil('the neighbour', 15_000, async () => expect(await countOn(stream)).toEqual([ids[2]]));
    await waitForNothingPending(stream);
    for (const id of ids.slice(0, 2))
      expect(await findParkedOn(stream, id)).toMatchObject({ reason: 'ENTRY_DELETED' });
  });

  test('an entry that alone ends the process three times is parked with its bytes', async () => {
    const { stream, ids } = await addPending(`${uniqueNumber()}`, ['1', '2', '3'], (name, [, second]) => [
      ['XCLAIM', name, group, 'dead', 0, second ?? '', 'RETRYCOUNT', 3_000_000],
    ]);
    const row = await findParkedOn(stream, ids[1] ?? '');
    expect(row).toMatchObject({
      reason: 'MAX_DELIVERIES_EXCEEDED',
      detail: expect.stringContaining('3 times'),
    });
    expect(readOriginal(row.original).map(String)).toEqual(['uid', '2']);
    await pollUntil('the neighbours', 15_000, async () =>
      expect(await countOn(stream)).toEqual([ids[0], ids[2]]),
    );
    await waitForNothingPending(stream);
  });

  test('entries that were handed out hundreds of times, as in a crash loop, are sold', async () => {
    const users = Array.from({ length: 10 }, (_, i) => `${i + 1}`);
    const { stream, ids } = await addPending(`${uniqueNumber()}`, users, (name, all) => [
      ['XCLAIM', name, group, 'dead', 0, ...all, 'RETRYCOUNT', 500],
    ]);
    await pollUntil('the instances', 15_000, async () => expect(await countOn(stream)).toHaveLength(10));
    await waitForNothingPending(stream);
    expect(ids).toHaveLength(10);
    const { rows } = await weir.database.query('SELECT * FROM parked WHERE scope = $1', [stream]);
    expect(rows).toEqual([]);
  });

  test('entries on a key of 6,000 letters are parked, and other streams go on', async () => {
    const key = `stream:seckill:${'k'.repeat(6_000)}`;
    const id = String(await weir.redis.xadd(key, '*', 'uid', '1'));
    const good = String(await weir.redis.xadd(`stream:seckill:${sellable}`, '*', 'uid', '3'));
    await waitForInstances([good]);
    const row = await findParked(id, 'PRODUCT_ID_INVALID');
    expect(row.scope).toMatch(/^stream:seckill:k+… sha256:[0-9a-f]{64}$/);
    await waitForNothingPending(key);
    await weir.redis.del(key);
  });

  test('a traceparent of 200 kB is left out of the message, and the sale goes on', async () => {
    const stream = `stream:seckill:${sellable}`;
    const ids = [
      await weir.redis.xadd(stream, '*', 'uid', '1', 'traceparent', 'x'.repeat(200_000)),
      await weir.redis.xadd(stream, '*', 'uid', '2'),
    ];
    for (const id of ids) {
      const message = await weir.waitForMessage(await findInstanceOf(weir.database, sellable, id));
      expect(message.properties.headers ?? {}).not.toHaveProperty('traceparent');
    }
  });

  test('an entry handed out as often as is allowed is sold', async () => {
    const { stream, ids } = await addPending(`${uniqueNumber()}`, ['1'], (name, [first]) => [
      ['XCLAIM', name, group, 'dead', 0, first ?? '', 'RETRYCOUNT', 15],
    ]);
    await pollUntil('the instance', 15_000, async () => expect(await countOn(stream)).toEqual(ids));
    await waitForNothingPending(stream);
  });
});

/** Each has a Weir of its own, since what it breaks would break the tests after it. */
describe('on Redis, what is wrong with one key harms no other:', () => {
  describe('a key', () => {
    const weir = shareWeir();
    test('a key that is not UTF-8 stops no other stream', async () => {
      // Two dozen, since it is chance which of them are found after the bad one.
      const products = Array.from({ length: 24 }, (_, i) => `${2001 + i}`);
      await weir.database.query(
        `INSERT INTO products (id, name, cpus, memory_mb, image)
         SELECT id::bigint, 'GPU Small', 4, 16384, 'ubuntu' FROM unnest($1::text[]) AS id`,
        [products],
      );
      const transaction = weir.redis.multi();
      transaction.xadd(Buffer.from('stream:seckill:\xff\xfe', 'latin1'), '*', 'uid', '1');
      for (const product of products) transaction.xadd(`stream:seckill:${product}`, '1-1', 'uid', '2');
      await transaction.exec();
      await pollUntil('an instance of each product', 10_000, async () => {
        const { rows } = await weir.database.query(
          'SELECT product_id FROM instance_logs ORDER BY product_id',
        );
        expect(rows.map(({ product_id }) => product_id)).toEqual(products);
      });
    });
  });

  describe('a stream', () => {
    const weir = shareWeir();
    test('a stream that is replaced by another type stops no other stream', async () => {
      await sellProduct(weir.database);
      const first = await weir.redis.xadd('stream:seckill:1001', '*', 'uid', '1');
      const other = await weir.redis.xadd('stream:seckill:1002', '*', 'uid', '1');
      await findInstanceOf(weir.database, sellable, first);
      await findInstanceOf(weir.database, disabled, other);
      await weir.redis.set('stream:seckill:1002', 'no stream any more');
      const id = await weir.redis.xadd('stream:seckill:1001', '*', 'uid', '2');
      await weir.waitForMessage(await findInstanceOf(weir.database, sellable, id));
    });
  });
});

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

/** Tried three times alone by a process that ended each time. */
const tooOften: BadEntry = {
  title: 'delivered too often',
  fields: ['uid', '5'],
  reason: 'MAX_DELIVERIES_EXCEEDED',
};
const embeddedBadEntries = [...badEntries, tooOften];

/** What stands on the stream when the program starts: good and bad in turn. */
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

let lastNumber = 3000;
/** A product id of the test's own. */
function uniqueNumber(): number {
  return ++lastNumber;
}

interface Queryable {
  // biome-ignore lint/suspicious/noExplicitAny: rows are read by name
  query(text: string, values?: unknown[]): Promise<{ rows: any[] }>;
}

async function sellProduct(database: Queryable): Promise<void> {
  await database.query(
    `INSERT INTO products (id, name, cpus, memory_mb, image)
     VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu'), (1002, 'Standard 2', 2, 4096, 'ubuntu')`,
  );
}

function findInstanceOf(database: Queryable, productId: string, entryId: string | null): Promise<string> {
  return pollUntil(`the instance of entry ${entryId} of product ${productId}`, 10_000, async () => {
    const { rows } = await database.query(
      'SELECT instance_id FROM instance_logs WHERE scope = $1 AND source_id = $2',
      [`stream:seckill:${productId}`, entryId],
    );
    expect(rows).toHaveLength(1);
    return rows[0].instance_id;
  });
}
