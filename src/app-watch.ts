import type { Core } from './core.ts';
import { postgresNow } from './postgres/now.ts';
import { describeStores } from './stores.ts';
import type { Backlog, StoreState } from './watch/now.ts';
import { NowFeed } from './watch/now-feed.ts';
import { NowWatch } from './watch/now-watch.ts';

export interface Watch {
  now: NowWatch;
  feed: NowFeed;
}

/** Pages and terminals that one process serves at once. */
const maxListeners = 100;

/** What operators look at; nothing of it works while nobody does. */
export function createWatch(core: Core): Watch {
  const now = new NowWatch({
    rows: postgresNow(core.database),
    readStreamBacklog: () => readBacklogIfThere(core),
    readStores: () => readStores(core),
    isIntakeHeld: () => !core.gate.hasRoom(),
  });
  return { now, feed: new NowFeed(now, { maxListeners }) };
}

/** A store that is away shows as such; the rest of the picture is the more wanted. */
async function readBacklogIfThere({ streams }: Core): Promise<Backlog> {
  const unknown = { count: null, oldestAt: null };
  if (streams.notReady() !== undefined) return unknown;
  return streams.readBacklog().then(
    ({ undelivered, pending, oldestAgeMs }) => {
      const count = undelivered + pending;
      return { count, oldestAt: count === 0 ? null : new Date(Date.now() - oldestAgeMs) };
    },
    () => unknown,
  );
}

/** As /readyz tells it; what this process does not use it does not know. */
async function readStores({ config, readiness }: Core): Promise<StoreState[]> {
  const kinds = describeStores(config);
  return Promise.all(
    Object.entries(kinds).map(async ([name, description]) => {
      const kind = description.startsWith('embedded') ? 'embedded' : description;
      const check = readiness[name] ?? (kind === 'embedded' ? readiness.database : undefined);
      if (!check) return { name, kind, ok: null, why: null };
      const why = (await check()) ?? null;
      return { name, kind, ok: why === null, why };
    }),
  );
}
