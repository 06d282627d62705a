import { describe, expect, onTestFinished, test } from 'vitest';
import type { Outbox } from '../../src/core/outbox/outbox.ts';
import { Relay } from '../../src/core/outbox/relay.ts';
import { Outages } from '../../src/lib/outages.ts';
import { Recovery, recovery } from '../../src/lib/recovery.ts';
import { repeatEvery } from '../../src/lib/repeat.ts';
import { Signal } from '../../src/lib/signal.ts';
import { pollUntil } from '../support/poll-until.ts';

const anHourMs = 3_600_000;

function stopAfterTest(): AbortController {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  return stop;
}

describe('a pause before a retry', () => {
  test('a pause before a retry ends for every loop at the signal', async () => {
    const one = new Recovery();
    const pauses = Promise.all([one.wait(anHourMs), one.wait(anHourMs)]);
    one.signal();
    await pauses;
  });

  test('a pause before a retry is not shortened by a signal that came before it', async () => {
    const one = new Recovery();
    one.signal();
    const stop = stopAfterTest();
    let isOver = false;
    const paused = one.wait(anHourMs, stop.signal).then(() => {
      isOver = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    stop.abort();
    await paused;
  });
});

describe('an outage', () => {
  const watch = () => {
    const outages = new Outages();
    const over: string[] = [];
    outages.onOver((store) => over.push(store));
    return { outages, over };
  };

  test('an outage is over at the first success, once', () => {
    const { outages, over } = watch();
    outages.failed('database', 1);
    outages.failed('database', 2);
    expect(outages.works('rabbitmq', 1)).toBe(false);
    expect([outages.works('database', 1), outages.works('database', 1)]).toEqual([true, false]);
    expect(over).toEqual(['database']);
  });

  test('a connection that is back at the first attempt counts as no outage', () => {
    const { outages, over } = watch();
    outages.failed('rabbitmq', 1);
    expect(outages.works('rabbitmq', 2)).toBe(true);
    outages.failed('rabbitmq', 1);
    outages.failed('rabbitmq', 2);
    outages.works('rabbitmq', 2);
    expect(over).toEqual(['rabbitmq']);
  });
});

describe('a loop that has backed off to many seconds', () => {
  /** Fails until the test lets it succeed; its pauses are cut short until it would sleep for half an hour. */
  async function backOff(failures: () => number): Promise<void> {
    for (let count = 1; count <= 9; count++) {
      await pollUntil('another failure', 5_000, async () => expect(failures()).toBeGreaterThanOrEqual(count));
      await new Promise((resolve) => setImmediate(resolve));
      if (count < 9) recovery.signal();
    }
  }

  test('a backed-off repeatEvery continues at once when the store is back', async () => {
    let failures = 0;
    let isBack = false;
    let works = 0;
    const options = {
      everyMs: anHourMs,
      retry: { firstMs: 10_000, maxMs: anHourMs },
      onFailure: () => void failures++,
    };
    const work = async () => {
      if (!isBack) throw new Error('unavailable');
      works++;
    };
    repeatEvery(options, work, stopAfterTest().signal);
    await backOff(() => failures);
    isBack = true;
    recovery.signal();
    await pollUntil('the work', 1_000, async () => expect(works).toBe(1));
  });

  test('every backed-off lane of the relay continues at once when the store is back', async () => {
    let failures = 0;
    let isBack = false;
    let claims = 0;
    let retried = 0;
    const outbox: Outbox = {
      async claim() {
        if (!isBack) throw new Error('unavailable');
        claims++;
        return 0;
      },
      async retryInterrupted() {
        retried++;
      },
      countWaiting: async () => 0,
    };
    const publisher = { notReady: undefined, ready: async () => {}, publish: async () => [] };
    const relay = new Relay(
      {
        outbox,
        publisher,
        signal: new Signal(),
        onPublished() {},
        onRefused() {},
        onFailure: () => void failures++,
      },
      { windowEvents: 500, maxIdleMs: anHourMs, maxRefusals: 5 },
    );
    const { signal } = stopAfterTest();
    for (const lane of [1, 2]) relay.run(lane, signal);
    await backOff(() => failures / 2);
    isBack = true;
    relay.resume();
    recovery.signal();
    await pollUntil('both lanes', 1_000, async () => expect(claims).toBeGreaterThanOrEqual(2));
    expect(retried).toBe(1);
  });
});
