import { describe, expect, test } from 'vitest';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import type { InstanceResult } from '../../src/core/results/result.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type Behaviour, decideFate } from '../../src/ops/resource-domain/fate.ts';
import { type CreatedMessage, ResourceDomain } from '../../src/ops/resource-domain/resource-domain.ts';
import { pollUntil } from '../support/poll-until.ts';

const well: Behaviour = {
  delayMs: 0,
  failPercent: 0,
  silentPercent: 0,
  latePercent: 0,
  lateMs: 0,
  repeatPercent: 0,
  contradictPercent: 0,
};

describe('the fate of an instance', () => {
  const ids = Array.from({ length: 20_000 }, (_, n) => `${250_000_000_000_000_000n + BigInt(n)}`);

  test('the fate of an event depends on its id alone', () => {
    const behaviour = { ...well, failPercent: 30, silentPercent: 20, repeatPercent: 10 };
    for (const id of ids.slice(0, 100)) expect(decideFate(id, behaviour)).toEqual(decideFate(id, behaviour));
  });

  test('the fate of an instance comes in the shares that were set, within a per cent', () => {
    const behaviour = {
      ...well,
      failPercent: 10,
      silentPercent: 5,
      latePercent: 2,
      repeatPercent: 5,
      contradictPercent: 1,
    };
    const fates = ids.map((id) => decideFate(id, behaviour));
    const share = (is: (fate: (typeof fates)[number]) => boolean) =>
      (fates.filter(is).length / ids.length) * 100;
    expect(Math.abs(share(({ fails }) => fails) - 10)).toBeLessThan(1);
    expect(Math.abs(share(({ isSilent }) => isSilent) - 5)).toBeLessThan(1);
    expect(Math.abs(share(({ isLate }) => isLate) - 2)).toBeLessThan(1);
    expect(Math.abs(share(({ repeats }) => repeats) - 5)).toBeLessThan(1);
    expect(Math.abs(share(({ contradicts }) => contradicts) - 1)).toBeLessThan(0.5);
    expect(fates.some(({ fails, isSilent }) => fails && isSilent)).toBe(false);
  });

  test('the fate of an instance is sure at 0 and at 100 per cent', () => {
    for (const id of ids.slice(0, 500)) {
      expect(decideFate(id, well)).toEqual({
        fails: false,
        isSilent: false,
        isLate: false,
        repeats: false,
        contradicts: false,
      });
      expect(decideFate(id, { ...well, silentPercent: 100 }).isSilent).toBe(true);
      expect(decideFate(id, { ...well, failPercent: 100 }).fails).toBe(true);
    }
  });
});

/** A queue in memory that records what was acknowledged and when, and the answers. */
async function runDomain(
  messages: CreatedMessage[],
  behaviour: Partial<Behaviour>,
  isDone: (log: string[]) => void,
  doomed: readonly bigint[] = [],
) {
  const log: string[] = [];
  const stop = new AbortController();
  let failures = 0;
  const domain = new ResourceDomain(
    {
      queue: {
        take: async (count, signal) => {
          if (messages.length > 0) return messages.splice(0, count);
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return [];
        },
        acknowledge(done) {
          log.push(...done.map(({ messageId }) => `acknowledged ${messageId}`));
        },
      },
      async answer(results: readonly InstanceResult[]) {
        if (failures++ === 0) throw new Error('the broker is away');
        log.push(
          ...results.map(
            ({ instanceId, status, traceparent = '' }) => `${status} ${instanceId}${traceparent}`,
          ),
        );
      },
      clock: systemClock,
      onAnswered() {},
      onFailure() {},
    },
    { ...well, ...behaviour },
  );
  for (const id of doomed) expect(domain.fail(id as InstanceId)).toBe(true);
  const running = domain.run(stop.signal);
  await pollUntil('the domain to be done', 5_000, async () => isDone(log));
  stop.abort();
  await running;
  return log;
}

describe('the simulated Resource Domain', () => {
  test('the simulator acknowledges an event when its answer is on the queue', async () => {
    const log = await runDomain([{ messageId: '5' }], {}, (log) => expect(log).toHaveLength(2));
    expect(log).toEqual(['SUCCESS 5', 'acknowledged 5']);
  });

  test('the simulated Resource Domain removes repeats by message id', async () => {
    const messages = ['5', '6', '5', '5'].map((messageId) => ({ messageId }));
    const log = await runDomain(messages, {}, (log) => expect(log).toHaveLength(6));
    expect(log.filter((line) => line.startsWith('SUCCESS'))).toEqual(['SUCCESS 5', 'SUCCESS 6']);
  });

  test('a repeat of an answered event gets the same answer again, to the millisecond', async () => {
    const sent: { body: InstanceResult; afterTakes: number }[] = [];
    const acknowledged: string[] = [];
    const stop = new AbortController();
    let takes = 0;
    let wallMs = 1_000;
    const domain = new ResourceDomain(
      {
        queue: {
          async take() {
            takes++;
            if (takes > 1)
              await pollUntil('the answer', 5_000, async () => expect(sent).toHaveLength(takes - 1));
            if (takes <= 3) return [{ messageId: '5' }];
            stop.abort();
            return [];
          },
          acknowledge: (done) => void acknowledged.push(...done.map(({ messageId }) => messageId)),
        },
        async answer(results) {
          sent.push(...results.map((body) => ({ body, afterTakes: takes })));
          wallMs += 5_000;
        },
        clock: { ...systemClock, wallMs: () => wallMs },
        onAnswered() {},
        onFailure() {},
      },
      { ...well, failPercent: 100, repeatPercent: 0 },
    );
    await domain.run(stop.signal);
    expect(acknowledged).toEqual(['5', '5', '5']);
    const [first] = sent;
    expect(first?.body).toMatchObject({ status: 'FAILED', answeredAt: new Date(1_000) });
    expect(sent.map(({ body }) => body)).toEqual([first?.body, first?.body, first?.body]);
  });

  test('a repeat of an event that is never answered stays unanswered', async () => {
    const messages = ['5', '5'].map((messageId) => ({ messageId }));
    const log = await runDomain(messages, { silentPercent: 100 }, (log) => expect(log).toHaveLength(2));
    expect(log).toEqual(['acknowledged 5', 'acknowledged 5']);
  });

  test('an instance that is to fail before its message comes gets one answer, FAILED', async () => {
    const messages = ['5', '6'].map((messageId) => ({ messageId }));
    const behaviour = { contradictPercent: 100, silentPercent: 100 };
    const log = await runDomain(messages, behaviour, (log) => expect(log).toHaveLength(3), [6n]);
    expect(log).toEqual(['acknowledged 5', 'FAILED 6', 'acknowledged 6']);
  });

  test('an instance can be made to fail until it was answered, and not after that', async () => {
    const stop = new AbortController();
    const answers: string[] = [];
    const told: boolean[] = [];
    let takes = 0;
    const domain = new ResourceDomain(
      {
        queue: {
          async take() {
            if (++takes === 1) return [{ messageId: '5' }];
            told.push(domain.fail(5n as InstanceId));
            await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
            return [];
          },
          acknowledge: (done) => {
            if (done.length > 0) stop.abort();
          },
        },
        answer: async ([result]) => void answers.push(`${result?.status}`),
        clock: systemClock,
        onAnswered() {},
        onFailure() {},
      },
      { ...well, delayMs: 200 },
    );
    await domain.run(stop.signal);
    expect([...told, ...answers, domain.fail(5n as InstanceId)]).toEqual([true, 'FAILED', false]);
  });

  test('the Resource Domain repeats and contradicts itself when configured to', async () => {
    const log = await runDomain([{ messageId: '5' }], { contradictPercent: 100 }, (log) =>
      expect(log).toHaveLength(3),
    );
    expect(log).toEqual(['SUCCESS 5', 'FAILED 5', 'acknowledged 5']);
  });

  test('the Resource Domain continues the trace of each event in its answers', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const messages = [{ messageId: '5', traceparent }, { messageId: '6' }];
    const log = await runDomain(messages, { contradictPercent: 100 }, (log) => expect(log).toHaveLength(6));
    expect(log.slice(0, 4)).toEqual([
      `SUCCESS 5${traceparent}`,
      `FAILED 5${traceparent}`,
      'SUCCESS 6',
      'FAILED 6',
    ]);
  });

  test('a silent simulator answers nothing, and removes unknown messages from the queue', async () => {
    const messages = [{ messageId: '5' }, { messageId: 'release-6' }];
    const log = await runDomain(messages, { silentPercent: 100 }, (log) => expect(log).toHaveLength(2));
    expect(log).toEqual(['acknowledged 5', 'acknowledged release-6']);
  });
});
