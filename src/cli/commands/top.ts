import { setTimeout as pause } from 'node:timers/promises';
import type { Now } from '../../api/answers.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { liveScreen } from '../output/live-screen.ts';
import { MergedSeconds } from '../output/merged-seconds.ts';
import { hasColors, printJson, printJsonLines } from '../output/output.ts';
import { drawText } from '../output/text.ts';
import { drawScreen, type Paint } from '../output/top-screen.ts';

interface TopOptions extends ApiOptions {
  once?: boolean;
  json?: boolean;
}

const secondsShown = 120;
const defaultWidth = 80;

/** Runs until q, Ctrl-C, or the end of standard output. */
export async function runTop(options: TopOptions): Promise<number> {
  const api = new Api(options);
  const first = await api.get<Now>(`/v1/now?seconds=${secondsShown}`);
  if (options.once) {
    if (options.json) printJson(first);
    else liveScreen.print(draw(api, first, merge(first)));
    return exitCodes.ok;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  if (process.stdout.isTTY && !options.json) await showLive(api, first, stop);
  else await printLines(api, stop.signal);
  return exitCodes.ok;
}

function merge(first: Now): MergedSeconds {
  const seconds = new MergedSeconds(secondsShown);
  seconds.add(first);
  return seconds;
}

function draw(api: Api, now: Now, seconds: MergedSeconds, failure?: string): string[] {
  const { columns, rows, isTTY } = process.stdout;
  const paint: Paint = (style, text) => drawText({ style, text }, hasColors(process.stdout));
  return drawScreen(now, seconds, {
    url: api.url,
    // A terminal of unknown size reports 0.
    width: columns || defaultWidth,
    ...(isTTY && rows ? { height: rows - 1 } : {}),
    paint,
    failure,
  });
}

async function printLines(api: Api, signal: AbortSignal): Promise<void> {
  for await (const { event, data } of api.listen('/v1/now/stream', signal)) {
    if (event === 'now') await printJsonLines([JSON.parse(data)]);
  }
  if (!signal.aborted) throw new CliError(exitCodes.unreachable, `Weir at ${api.url} has stopped`);
}

type NowProblem = Pick<Now, 'waiting' | 'stores'> & { detail: string };

/** Figures that only the database has become unknown. */
function reportUnavailable(now: Now, { waiting, stores }: NowProblem): Now {
  const known = new Map(waiting.map((each) => [each.what, each]));
  const unknown = { count: null, oldestAt: null };
  return {
    ...now,
    waiting: now.waiting.map(({ what }) => known.get(what) ?? { what, ...unknown }),
    stores,
  };
}

/** In raw mode it arrives as an ordinary key. */
const controlC = '\u0003';
const comeBackAfterMs = 1_000;

async function showLive(api: Api, first: Now, stop: AbortController): Promise<void> {
  let now = first;
  let failure: string | undefined;
  const seconds = merge(first);
  const redraw = () => {
    liveScreen.draw(draw(api, now, seconds, failure));
  };
  const quit = (keys: Buffer) => {
    if (['q', 'Q', controlC].includes(keys.toString())) stop.abort();
  };
  process.stdin.setRawMode?.(true);
  process.stdin.on('data', quit).resume();
  process.stdout.on('resize', redraw);
  liveScreen.open();
  try {
    redraw();
    while (!stop.signal.aborted) {
      try {
        for await (const { event, data } of api.listen('/v1/now/stream', stop.signal)) {
          if (event === 'now') {
            now = JSON.parse(data) as Now;
            seconds.add(now);
            failure = undefined;
          } else if (event === 'problem') {
            const problem = JSON.parse(data) as NowProblem;
            now = reportUnavailable(now, problem);
            failure = problem.detail;
          }
          redraw();
        }
        failure = 'Weir has stopped; waiting for it to come back';
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        failure = error.message;
      }
      if (stop.signal.aborted) return;
      redraw();
      await pause(comeBackAfterMs, undefined, { signal: stop.signal }).catch(() => {});
    }
  } finally {
    process.stdout.off('resize', redraw);
    liveScreen.close();
    process.stdin.off('data', quit).pause();
    process.stdin.setRawMode?.(false);
  }
}
