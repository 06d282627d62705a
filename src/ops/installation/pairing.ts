import { randomUUID } from 'node:crypto';
import type { Actor } from '../../core/actor.ts';

export type StoreKind = 'REDIS' | 'RABBITMQ';

/** The mark in a store that names its installation. */
export interface StoreMark {
  installation: string;
  store: string;
  /**
   * Identifies the database whose processes use the store: a copied database has the same installation id.
   */
  database: string;
  /** Milliseconds since a process of that database marked the store. */
  seenAgoMs: number;
}

/** The installation and the stores it is paired with, as recorded in the database. */
export interface Installation {
  id: string;
  database: string;
  paired: { store: string; address: string } | undefined;
}

export interface InstallationRows {
  /** Reads the installation; the first call creates its id. */
  read(kind: StoreKind): Promise<Installation>;
  /**
   * Reads without creating an id.
   * @returns undefined before the first start
   */
  find(kind: StoreKind): Promise<Installation | undefined>;
  /**
   * Records the store in place of `previous`. Of several connections or processes that pair at the same time the first one
   * wins, so that all write the same mark. `actor`: undefined where Weir pairs by itself.
   *
   * @returns the id that is recorded now
   */
  pair(
    kind: StoreKind,
    store: string,
    address: string,
    previous: string | undefined,
    actor: Actor | undefined,
  ): Promise<string>;
}

export interface MarkedStore {
  kind: StoreKind;
  /** Display name. */
  name: string;
  /** Without credentials. */
  address: string;
  readMark(): Promise<StoreMark | undefined>;
  writeMark(mark: Omit<StoreMark, 'seenAgoMs'>): Promise<void>;
}

/**
 * A running process marks its store at this interval; one silent for longer than `goneAfterMs` counts as
 * stopped.
 */
export const markEveryMs = 10_000;
const goneAfterMs = 45_000;

type Judgement =
  /** `store`: the id to write, for a store that is new or has lost its data. */
  { isOurs: true; store: string; isNew: boolean } | { isOurs: false; why: string };

/** Decides whether a store belongs to this installation. */
export function comparePairing(
  { id, database, paired }: Installation,
  { name, address }: Pick<MarkedStore, 'name' | 'address'>,
  mark: StoreMark | undefined,
): Judgement {
  if (!mark) {
    // At the known address, the store has lost everything; at another address, it is another store.
    if (!paired || paired.address === address) {
      return { isOurs: true, store: paired?.store ?? randomUUID(), isNew: true };
    }
    return refuse(
      `this database works with the ${name} at ${paired.address}, and the one at ${address} is new to it`,
    );
  }
  if (mark.installation !== id) {
    return refuse(`the ${name} at ${address} belongs to another installation of Weir`);
  }
  if (mark.database !== database && mark.seenAgoMs < goneAfterMs) {
    return refuse(`the ${name} at ${address} is in use by another database, of which this one is a copy`);
  }
  if (paired && paired.store !== mark.store) {
    return refuse(
      `this database works with the ${name} at ${paired.address}, which is not the one at ${address}`,
    );
  }
  return { isOurs: true, store: mark.store, isNew: false };
}

function refuse(why: string): Judgement {
  return { isOurs: false, why };
}

/**
 * Compares and writes the marks.
 * @returns why the store must not be used; undefined: it may
 */
export async function verifyPairing(rows: InstallationRows, store: MarkedStore): Promise<string | undefined> {
  const installation = await rows.read(store.kind);
  const judgement = comparePairing(installation, store, await store.readMark());
  if (!judgement.isOurs) return judgement.why;
  // A store with this installation's mark is accepted even if it is read-only at the moment.
  await writePairing(rows, store, installation, judgement.store).catch((error: unknown) => {
    if (judgement.isNew) throw error;
  });
  return undefined;
}

/** Uses the store from now on, whatever it carried. The database is first: an adoption that is cut off is repeated. */
export async function adoptStore(rows: InstallationRows, store: MarkedStore, actor: Actor): Promise<void> {
  await writePairing(rows, store, await rows.read(store.kind), randomUUID(), actor);
}

async function writePairing(
  rows: InstallationRows,
  store: MarkedStore,
  { id, database, paired }: Installation,
  storeId: string,
  actor?: Actor,
): Promise<void> {
  const isRecorded = paired?.store === storeId && paired.address === store.address;
  const recorded = isRecorded
    ? storeId
    : await rows.pair(store.kind, storeId, store.address, paired?.store, actor);
  await store.writeMark({ installation: id, store: recorded, database });
}

/**
 * Compares the marks without writing.
 * @returns why the store must not be used; undefined: it may
 */
export async function checkPairing(rows: InstallationRows, store: MarkedStore): Promise<string | undefined> {
  const installation = await rows.find(store.kind);
  const mark = await store.readMark();
  if (!installation) {
    return mark && `the ${store.name} at ${store.address} belongs to another installation of Weir`;
  }
  const judgement = comparePairing(installation, store, mark);
  return judgement.isOurs ? undefined : judgement.why;
}
