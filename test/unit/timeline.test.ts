import { describe, expect, test } from 'vitest';
import type { InstanceLog } from '../../src/core/instance/instance-log.ts';
import type { InstanceId, ProductId, Source, SourceId, UserId } from '../../src/core/instance/purchase.ts';
import { buildTimeline, type TimelineFacts } from '../../src/core/instance/timeline.ts';

const at = (second: number) => new Date(Date.UTC(2026, 10, 24, 7, 0, second));

const instance: InstanceLog = {
  instanceId: 5n as InstanceId,
  productId: 1001n as ProductId,
  userId: 7n as UserId,
  source: 'SECKILL' as Source,
  sourceId: `${at(1).getTime()}-0` as SourceId,
  scope: 'stream:seckill:1001',
  status: 'PROCESSING',
  createdAt: at(2),
  updatedAt: at(2),
};

function tell(facts: Partial<TimelineFacts>) {
  return buildTimeline({
    instance,
    answeredAt: undefined,
    order: undefined,
    publishedBy: undefined,
    parked: [],
    history: [],
    compensation: undefined,
    ...facts,
  });
}

const steps = (facts: Partial<TimelineFacts>) => tell(facts).map(({ step }) => step);

describe('a timeline', () => {
  test('a timeline begins when the entry was put on the stream', () => {
    expect(tell({})[0]).toMatchObject({ at: at(1), step: 'ASKED', by: { code: 'BUYER' } });
  });

  test('a timeline begins with the order, and says when it was paid', () => {
    const ordered = { ...instance, source: 'ORDER' as Source, scope: '', sourceId: 'ORD1' as SourceId };
    expect(steps({ instance: ordered, order: { createdAt: at(0), paidAt: at(2) } })).toEqual([
      'ASKED',
      'PAID',
      'CREATED',
    ]);
  });

  test('a timeline does not take a source id of digits for the time of an entry', () => {
    const gift = { ...instance, source: 'ACTIVITY' as Source, scope: '', sourceId: '123-0' as SourceId };
    expect(tell({ instance: gift })[0]).toMatchObject({ at: at(2), step: 'ASKED' });
  });

  test('the timeline of a failed winner has every step in order', () => {
    const failed = { ...instance, status: 'FAILED' as const, reason: 'no capacity', updatedAt: at(9) };
    const story = tell({
      instance: failed,
      answeredAt: at(8),
      publishedBy: at(3),
      parked: [
        {
          id: '7',
          origin: 'STREAM',
          reason: 'PRODUCT_NOT_FOUND',
          parkedAt: at(1),
          state: 'REPLAYED',
          resolvedAt: at(2),
          resolvedBy: 'key 01020304',
          resolution: { code: 'INSTANCE_CREATED', params: { instanceId: '5' } },
        },
      ],
      history: [
        { at: at(5), what: 'REPUBLISHED', detail: 'NO_RESULT', actor: 'weir' },
        { at: at(20), what: 'RESULT_CONFLICT', detail: 'FAILED: no: GPU', actor: 'resource domain' },
        { at: at(20), what: 'RELEASE_REQUESTED', detail: 'NO_OWNER', actor: 'weir' },
      ],
      compensation: {
        kind: 'RESTOCK',
        reason: 'no capacity',
        createdAt: at(9),
        doneAt: at(10),
        outcome: 'RESTOCKED',
      },
    });
    expect(story.map(({ step }) => step)).toEqual([
      'ASKED',
      'PARKED',
      'REPLAYED',
      'CREATED',
      'PUBLISHED',
      'REPUBLISHED',
      'ANSWERED',
      'SETTLED',
      'RESTOCK_REQUESTED',
      'RESTOCKED',
      'RESULT_CONFLICT',
      'RELEASE_REQUESTED',
    ]);
    const findStep = (wanted: string) => story.find(({ step }) => step === wanted);
    expect(findStep('PARKED')?.detail?.params).toEqual({
      origin: 'STREAM',
      reason: 'PRODUCT_NOT_FOUND',
      id: '7',
    });
    expect(findStep('REPLAYED')).toMatchObject({
      detail: { code: 'INSTANCE_CREATED', params: { instanceId: '5' } },
      by: { code: 'OPERATOR', params: { name: 'key 01020304' } },
    });
    expect(findStep('REPUBLISHED')).toMatchObject({ detail: { code: 'NO_RESULT' }, by: { code: 'WEIR' } });
    expect(findStep('SETTLED')?.detail).toEqual({
      code: 'RESULT_WITH_REASON',
      params: { status: 'FAILED', reason: 'no capacity' },
    });
    expect(findStep('RESULT_CONFLICT')).toMatchObject({
      detail: { code: 'RESULT_WITH_REASON', params: { status: 'FAILED', reason: 'no: GPU' } },
      by: { code: 'RESOURCE_DOMAIN' },
    });
  });

  test('a timeline never places a publication after its answer or before its creation', () => {
    const answered = tell({ answeredAt: at(4), publishedBy: at(30) });
    expect(answered.find(({ step }) => step === 'PUBLISHED')?.at).toEqual(at(4));
    // The Resource Domain's clock may be behind the database's.
    const behind = tell({ answeredAt: at(0), publishedBy: at(30) });
    expect(behind.find(({ step }) => step === 'PUBLISHED')?.at).toEqual(at(2));
  });

  test('a timeline leaves out a publication that no mark confirms', () => {
    expect(steps({})).not.toContain('PUBLISHED');
  });

  test('a timeline shows where no compensation is due', () => {
    const compensation = {
      kind: 'NOTHING',
      reason: 'x',
      createdAt: at(9),
      doneAt: at(9),
      outcome: 'NOTHING',
    };
    expect(steps({ compensation })).toContain('NOTHING_OWED');
  });
});
