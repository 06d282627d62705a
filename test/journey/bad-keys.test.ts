import { describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { disabled, findInstanceOf, sellable, sellProduct } from './bad-entry-cases.ts';
import { shareWeir } from './share-weir.ts';

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
