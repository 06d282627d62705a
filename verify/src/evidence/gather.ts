import { type Shop, type ShopProduct, streamOf } from '../drive/shop.ts';
import { acceptedIds, type Operation } from '../history/operation.ts';
import type { Installation } from '../installation/open-installation.ts';
import type { Weirs } from '../installation/weirs.ts';
import type { EntryState } from '../stores/redis.ts';
import type { Evidence, InstanceRow, Messages, ParkedItem, SaleCounters } from './evidence.ts';
import { readTables } from './read-tables.ts';

export interface GatherDeps extends Omit<Installation, 'close'> {
  shop: Shop;
  operations: readonly Operation[];
  redisMayLose: boolean;
}

/** Reads the installation, rows first: what follows from a row is then at least as new. @throws while it cannot be read */
export async function gather(deps: GatherDeps): Promise<Evidence> {
  const { shop, weirs, operations } = deps;
  const rows = [...(await listRows(weirs, shop.plain)), ...(await listRows(weirs, shop.onSale))];
  const orders = await weirs.list<{ id: string; status: string }>(`/v1/orders?productId=${shop.plain.id}`);
  return {
    ...{ shop, operations, rows, redisMayLose: deps.redisMayLose },
    orders: new Map(orders.map(({ id, status }) => [id, status])),
    entries: await findEntries(deps, rows),
    parked: await listParked(weirs, shop),
    sale: shop.terms && (await weirs.get<SaleCounters>(`/v1/sales/${shop.onSale.id}`)),
    tables: deps.postgres && (await readTables(deps.postgres, shop)),
    messages: copyMessages(deps),
  };
}

function copyMessages({ domain, reports }: GatherDeps): Messages | undefined {
  if (!domain) return undefined;
  const { events, releases, refunds, answers } = domain;
  return {
    ...{ events: events.messages, releases: releases.messages, refunds: refunds.messages },
    answers: new Map([...answers].map(([id, { isSuccess }]) => [id, isSuccess])),
    reports: reports.answers,
  };
}

function listRows(weirs: Weirs, { id }: ShopProduct): Promise<InstanceRow[]> {
  return weirs.list<InstanceRow>(`/v1/instances?productId=${id}`);
}

/** Newest first, and nothing of the run is older than it. */
async function listParked(weirs: Weirs, { startedAtMs }: Shop): Promise<ParkedItem[]> {
  const isOlder = ({ parkedAt }: { parkedAt: string }) => Date.parse(parkedAt) < startedAtMs - 60_000;
  return weirs.list<ParkedItem & { parkedAt: string }>('/v1/parked', isOlder);
}

/** Where each accepted entry is that has no row. */
async function findEntries(
  { streams, operations, shop }: GatherDeps,
  rows: readonly InstanceRow[],
): Promise<Map<string, EntryState>> {
  if (!streams) return new Map();
  const known = new Set(rows.map(({ sourceId }) => sourceId));
  const missing = operations
    .filter(({ way }) => way === 'stream' || way === 'buy')
    .flatMap((operation) => {
      const stream = streamOf(operation.way === 'buy' ? shop.onSale : shop.plain);
      return acceptedIds(operation).map((id) => ({ stream, id }));
    })
    .filter(({ id }) => !known.has(id));
  const states = missing.map(async ({ stream, id }) => [id, await streams.findEntry(stream, id)] as const);
  return new Map(await Promise.all(states));
}
