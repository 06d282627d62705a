import { randomUUID } from 'node:crypto';
import type { Actor } from '../../core/actor.ts';

export type StoreKind = 'REDIS' | 'RABBITMQ';

/** What a store carries of the installation that it belongs to. */
export interface StoreMark {
  installation: string;
  store: string;
  /** The database whose processes use the store: a copy of a database carries the same installation id. */
  database: string;
  /** How long ago a process of that database was seen. */
  seenAgoMs: number;
}

/** What the database knows of itself and of the stores that it was paired with. */
export interface Installation {
  id: string;
  database: string;
  paired: { store: string; address: string } | undefined;
}

export interface InstallationRows {
  /** The first call gives the installation its id. */
  read(kind: StoreKind): Promise<Installation>;
  /** Without giving it one. @returns undefined before the first start */
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
  /** For people. */
  name: string;
  /** Without credentials. */
  address: string;
  readMark(): Promise<StoreMark | undefined>;
  writeMark(mark: Omit<StoreMark, 'seenAgoMs'>): Promise<void>;
}

/** A process that is alive marks its store this often; one that is silent for longer than `goneAfterMs` is not. */
export const markEveryMs = 10_000;
const goneAfterMs = 45_000;

export type Judgement =
  /** `store`: the id to write; the store was new, or lost what it held. */
  { isOurs: true; store: string; isNew: boolean } | { isOurs: false; why: string };

/** Whether a store is the one that this installation works with. */
export function judgePairing(
  { id, database, paired }: Installation,
  { name, address }: Pick<MarkedStore, 'name' | 'address'>,
  mark: StoreMark | undefined,
): Judgement {
  if (!mark) {
    // At the address that is known it has lost everything; at another one it is another store.
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

/** Compares the marks and writes them. @returns why the store is not to be used; undefined: it is */
export async function verifyPairing(rows: InstallationRows, store: MarkedStore): Promise<string | undefined> {
  const installation = await rows.read(store.kind);
  const judgement = judgePairing(installation, store, await store.readMark());
  if (!judgement.isOurs) return judgement.why;
  // A store that carries our mark and takes no writes at the moment is still ours.
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

/** Compares the marks and writes nothing. @returns why the store is not to be used; undefined: it is */
export async function checkPairing(rows: InstallationRows, store: MarkedStore): Promise<string | undefined> {
  const installation = await rows.find(store.kind);
  const mark = await store.readMark();
  if (!installation) {
    return mark && `the ${store.name} at ${store.address} belongs to another installation of Weir`;
  }
  const judgement = judgePairing(installation, store, mark);
  return judgement.isOurs ? undefined : judgement.why;
}
