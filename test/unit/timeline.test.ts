import { describe, expect, test } from 'vitest';
import type { InstanceLog } from '../../src/core/instance/instance-log.ts';
import type { InstanceId, ProductId, Source, SourceId, UserId } from '../../src/core/instance/purchase.ts';
import { type TimelineFacts, tellTimeline } from '../../src/core/instance/timeline.ts';

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
  return tellTimeline({
    instance,
    answeredAt: undefined,
    order: undefined,
    announcedBy: undefined,
    parked: [],
    history: [],
    compensation: undefined,
    ...facts,
  });
}

const steps = (facts: Partial<TimelineFacts>) => tell(facts).map(({ step }) => step);

describe('a timeline', () => {
  test('begins when the entry was put on the stream', () => {
    expect(tell({})[0]).toMatchObject({ at: at(1), step: 'ASKED', by: 'buyer' });
  });

  test('begins with the order, and says when it was paid', () => {
    const ordered = { ...instance, source: 'ORDER' as Source, scope: '', sourceId: 'ORD1' as SourceId };
    expect(steps({ instance: ordered, order: { createdAt: at(0), paidAt: at(2) } })).toEqual([
      'ASKED',
      'PAID',
      'CREATED',
    ]);
  });

  test('does not take a source id of digits for the time of an entry', () => {
    const gift = { ...instance, source: 'ACTIVITY' as Source, scope: '', sourceId: '123-0' as SourceId };
    expect(tell({ instance: gift })[0]).toMatchObject({ at: at(2), step: 'ASKED' });
  });

  test('of a failed winner tells it all in order', () => {
    const failed = { ...instance, status: 'FAILED' as const, reason: 'no capacity', updatedAt: at(9) };
    const story = tell({
      instance: failed,
      answeredAt: at(8),
      announcedBy: at(3),
      parked: [
        {
          origin: 'STREAM',
          reason: 'PRODUCT_UNKNOWN',
          parkedAt: at(1),
          state: 'REPLAYED',
          resolvedAt: at(2),
          resolvedBy: 'key 01020304',
          resolution: 'made instance 5',
        },
      ],
      history: [
        { at: at(5), what: 'ANNOUNCED_AGAIN', detail: 'no result by the deadline', actor: 'weir' },
        { at: at(20), what: 'RESULT_CONTRADICTS', detail: 'SUCCESS', actor: 'resource domain' },
        { at: at(20), what: 'RELEASE_REQUESTED', detail: '', actor: 'weir' },
      ],
      compensation: {
        kind: 'GIVE_BACK',
        reason: 'no capacity',
        createdAt: at(9),
        doneAt: at(10),
        outcome: 'GIVEN_BACK',
      },
    });
    expect(story.map(({ step }) => step)).toEqual([
      'ASKED',
      'PARKED',
      'REPLAYED',
      'CREATED',
      'ANNOUNCED',
      'ANNOUNCED_AGAIN',
      'ANSWERED',
      'SETTLED',
      'GIVE_BACK_REQUESTED',
      'GIVEN_BACK',
      'RESULT_CONTRADICTS',
      'RELEASE_REQUESTED',
    ]);
    expect(story.find(({ step }) => step === 'REPLAYED')?.by).toBe('key 01020304');
    expect(story.find(({ step }) => step === 'SETTLED')?.detail).toBe('FAILED: no capacity');
  });

  test('never says that an instance was announced after its answer, nor before it was made', () => {
    const answered = tell({ answeredAt: at(4), announcedBy: at(30) });
    expect(answered.find(({ step }) => step === 'ANNOUNCED')?.at).toEqual(at(4));
    // The Resource Domain's clock may be behind ours.
    const behind = tell({ answeredAt: at(0), announcedBy: at(30) });
    expect(behind.find(({ step }) => step === 'ANNOUNCED')?.at).toEqual(at(2));
  });

  test('says nothing of an announcement that nobody can vouch for', () => {
    expect(steps({})).not.toContain('ANNOUNCED');
  });

  test('says that nothing is owed', () => {
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
