import { describe, expect, test, vi } from 'vitest';
import type { BatchOutcome, Draft, Outcome } from '../../src/core/instance/create-instances.ts';
import {
  refreshStaleProducts,
  reportCreated,
  retryBatch,
  splitPoisonedBatch,
} from '../../src/core/instance/creation-policy.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { WeirError } from '../../src/errors.ts';
import { createPurchase } from '../support/parts.ts';

const toDraft = (id: number): Draft => ({
  purchase: createPurchase({ sourceId: `${id}`, productId: BigInt(1000 + id) }),
  instanceId: BigInt(id) as InstanceId,
});
const drafts = [1, 2, 3, 4].map(toDraft);
const created = ({ purchase, instanceId }: Draft): Outcome => {
  const { source, scope, sourceId, productId, userId } = purchase;
  const at = new Date(0);
  const identity = { source, scope, sourceId, productId, userId };
  return {
    kind: 'created',
    instance: {
      ...identity,
      instanceId: instanceId as InstanceId,
      status: 'PROCESSING',
      createdAt: at,
      updatedAt: at,
    },
  };
};
const idsOf = (batch: readonly Draft[]) => batch.map(({ purchase }) => purchase.sourceId).join();
const kinds = (outcomes: readonly BatchOutcome[]) => outcomes.map(({ kind }) => kind).join();
const isBroken = (error: unknown) => (error as Error).message === 'connection lost';

describe('products that changed after they were read', () => {
  test('only the instances of changed products are created again, each in its place', async () => {
    const batches: string[] = [];
    const forget = vi.fn();
    const create = refreshStaleProducts({ forget }, async (batch) => {
      batches.push(idsOf(batch));
      const isFirst = batches.length === 1;
      return batch.map((draft, i) => (isFirst && i % 2 === 1 ? { kind: 'stale' } : created(draft)));
    });
    const outcomes = await create(drafts);
    expect(outcomes).toEqual(drafts.map(created));
    expect(batches).toEqual(['1,2,3,4', '2,4']);
    expect(forget.mock.calls).toEqual([[1002n], [1004n]]);
  });

  test('a product that changes during five attempts fails the batch as transient', async () => {
    const createBatch = vi.fn(async (batch: readonly Draft[]) =>
      batch.map(() => ({ kind: 'stale' as const })),
    );
    const create = refreshStaleProducts({ forget() {} }, createBatch);
    await expect(create(drafts)).rejects.toMatchObject({ code: 'PRODUCT_CHANGING', isTransient: true });
    expect(createBatch).toHaveBeenCalledTimes(5);
  });
});

describe('a batch that fails', () => {
  test('a batch whose store failed is repeated with the same drafts', async () => {
    const createBatch = vi
      .fn(async (batch: readonly Draft[]) => batch.map(created))
      .mockRejectedValueOnce(new Error('connection lost'));
    expect(await retryBatch(isBroken, createBatch)(drafts)).toEqual(drafts.map(created));
    expect(createBatch.mock.calls[1]?.[0]).toBe(createBatch.mock.calls[0]?.[0]);
  });

  test('a purchase that makes its batch fail is refused alone, the others are created', async () => {
    const create = splitPoisonedBatch(isBroken, async (batch) => {
      if (batch.some(({ purchase }) => purchase.sourceId === '3')) throw new Error('value too long');
      return batch.map(created);
    });
    const outcomes = await create(drafts);
    expect(kinds(outcomes)).toBe('created,created,refused,created');
    expect(outcomes[2]).toMatchObject({ error: { code: 'INTERNAL', message: 'value too long' } });
  });

  test.each([
    ['a failure of the store', new Error('connection lost')],
    ['a transient error of Weir', new WeirError('WORKER_LEASE_LOST', 'no worker id')],
  ])('%s splits no batch and refuses no purchase', async (_, error) => {
    const createBatch = vi.fn(async () => Promise.reject(error));
    await expect(splitPoisonedBatch(isBroken, createBatch)(drafts)).rejects.toBe(error);
    expect(createBatch).toHaveBeenCalledOnce();
  });

  test('a batch of no purchase has no outcome', async () => {
    const createBatch = () => Promise.reject(new Error('empty array'));
    expect(await splitPoisonedBatch(isBroken, createBatch)([])).toEqual([]);
  });
});

test('created instances are counted by source after the commit, repeats are not', async () => {
  const reported: unknown[] = [];
  let nowMs = 5;
  const create = reportCreated(
    (counts, durationMs) => reported.push([...counts], durationMs),
    { monotonicMs: () => nowMs },
    async (batch) => {
      nowMs = 12;
      return batch.map((draft, i) => {
        const outcome = created(draft);
        return i === 0 && 'instance' in outcome ? { ...outcome, kind: 'duplicate' } : outcome;
      });
    },
  );
  await create(['1', '2', '3'].map((sourceId) => createPurchase({ source: 'GIFT', sourceId })));
  expect(reported).toEqual([[['GIFT', 2]], 7]);
});
