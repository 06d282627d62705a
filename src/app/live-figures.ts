import { postgresNow } from '../adapters/postgres/now.ts';
import type { Backlog, StoreState } from '../ops/live/now.ts';
import { NowFeed } from '../ops/live/now-feed.ts';
import { NowWatch } from '../ops/live/now-watch.ts';
import type { Components } from './components.ts';
import { describeStores } from './stores.ts';

interface LiveFigures {
  now: NowWatch;
  feed: NowFeed;
}

/** Pages and terminals that one process serves at the same time. */
const maxListeners = 100;

export type LiveParts = Pick<Components, 'config' | 'database' | 'gate' | 'readiness' | 'streams'>;

/** The live figures of `GET /v1/now`. Idle without listeners. */
export function createLiveFigures(components: LiveParts): LiveFigures {
  const now = new NowWatch({
    rows: postgresNow(components.database.reads),
    readStreamBacklog: () => readStreamBacklog(components),
    readStores: () => readStores(components),
    isIntakePaused: () => !components.gate.hasRoom(),
  });
  return { now, feed: new NowFeed(now, { maxListeners }) };
}

/** @throws while the store is unavailable */
async function readStreamBacklog({ streams }: LiveParts): Promise<Backlog> {
  const why = streams.notReady();
  if (why !== undefined) throw new Error(why);
  const { undelivered, pending, oldestAgeMs } = await streams.readBacklog();
  const count = undelivered + pending;
  return { count, oldestAt: count === 0 ? null : new Date(Date.now() - oldestAgeMs) };
}

/** The stores that this process uses, as in /readyz. */
async function readStores({ config, readiness }: LiveParts): Promise<StoreState[]> {
  const kinds = describeStores(config.data);
  return Promise.all(
    Object.entries(kinds).map(async ([name, description]) => {
      const kind = description.startsWith('embedded') ? 'embedded' : description;
      // An embedded store is available whenever its database is.
      const checks = [readiness[name], kind === 'embedded' ? readiness.database : undefined];
      const used = checks.filter((check) => check !== undefined);
      if (used.length === 0) return { name, kind, ok: null, why: null };
      const answers = await Promise.all(used.map((check) => check()));
      const error = answers.find((answer) => answer !== undefined);
      if (error === undefined) return { name, kind, ok: true, why: null };
      return { name, kind, ok: false, why: { code: 'STORE_ERROR', params: { error } } };
    }),
  );
}
