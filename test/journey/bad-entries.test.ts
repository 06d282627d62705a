import { beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import {
  badBytes,
  badEntries,
  disabled,
  expectParked,
  findInstanceOf,
  goodFields,
  type ParkedRow,
  readOriginal,
  sellable,
} from './bad-entry-cases.ts';
import { shareWeir } from './share-weir.ts';

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
    // A good entry before, between and after the bad ones of the same batch.
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

  /**
   * Entries of a consumer that was killed with them: delivered, not acknowledged, and written in one step, so
   * that no other consumer is faster.
   */
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

let lastNumber = 3000;
/** A product id of the test. */
function uniqueNumber(): number {
  return ++lastNumber;
}
