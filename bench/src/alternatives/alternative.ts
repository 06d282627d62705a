import type { Entry, World } from './world.ts';

/** A way from an entry of the stream to a row and a confirmed message that a kill at any moment cannot lose. */
export interface Alternative {
  readonly name: string;
  /** The package whose installed version is reported. */
  readonly package?: string;
  /** The documented tuning, one sentence. */
  readonly tuning: string;
  /** Each is tried shortly; the fastest runs in the rounds. What it means is the alternative's own. */
  readonly concurrencies: readonly number[];
  /** Connections of the pool it shares with nobody; by default 10. */
  readonly poolSize?: number;
  /** Entries of one read, and reads that are worked on at a time. */
  readonly read: (concurrency: number) => { readonly entries: number; readonly inFlight: number };
  start(world: World): Promise<Running>;
}

export interface Running {
  /** Resolves when the entries may be acknowledged: from then on a kill loses nothing. */
  accept(entries: readonly Entry[]): Promise<void>;
  stop?(): Promise<unknown>;
}
