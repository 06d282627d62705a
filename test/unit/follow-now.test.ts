import { afterEach, expect, test, vi } from 'vitest';
import type { Now } from '../../src/api/answers.ts';
import { pollUntil } from '../support/poll-until.ts';

interface Follower {
  onNow: (now: Now) => void;
  onFailure: (error: unknown) => void;
}

/** Imported by its address: it is compiled with a browser's types, which the tests are not. */
async function loadFollowNow(): Promise<(follower: Follower, signal: AbortSignal) => Promise<void>> {
  const address = new URL('../../src/dashboard/live/follow-now.ts', import.meta.url).pathname;
  return (await import(address)).followNow;
}

/** A browser whose server answers as the test says. */
function openBrowser() {
  const streams: ScriptedStream[] = [];
  class ScriptedStream extends EventTarget {
    isOpen = true;
    constructor() {
      super();
      streams.push(this);
    }
    say(event: string, data: object) {
      this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }));
    }
    close() {
      this.isOpen = false;
    }
  }
  const asked: string[] = [];
  const document = Object.assign(new EventTarget(), { hidden: false, baseURI: 'http://127.0.0.1/' });
  vi.stubGlobal('document', document);
  vi.stubGlobal('EventSource', ScriptedStream);
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(new URL(url).pathname + new URL(url).search);
    return new Response(JSON.stringify({ seconds: 900 }));
  });
  return { streams, asked };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test('after a problem has passed the whole window is requested again, once', async () => {
  const { streams, asked } = openBrowser();
  const stop = new AbortController();
  const heard: number[] = [];
  const failures: unknown[] = [];
  const follower: Follower = {
    onNow: ({ seconds }) => heard.push(seconds),
    onFailure: (error) => failures.push(error),
  };
  const followNow = await loadFollowNow();
  const followed = followNow(follower, stop.signal);
  const nextStream = (count: number) =>
    pollUntil(`stream ${count}`, 5_000, async () => {
      expect(streams).toHaveLength(count);
      return streams[count - 1] as (typeof streams)[number];
    });

  const first = await nextStream(1);
  first.say('now', { seconds: 10 });
  for (let i = 0; i < 3; i++) first.say('problem', { code: 'STORE_UNAVAILABLE', detail: 'away' });
  expect([first.isOpen, asked.length, failures.length]).toEqual([true, 1, 3]);
  first.say('now', { seconds: 10 });
  expect(first.isOpen).toBe(false);
  const second = await nextStream(2);
  second.say('now', { seconds: 10 });
  expect([second.isOpen, asked]).toEqual([true, Array(2).fill('/v1/now?seconds=900')]);
  expect(heard).toEqual([900, 10, 10, 900, 10]);
  stop.abort();
  await followed;
});
