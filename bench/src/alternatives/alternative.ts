import type { Entry, World } from './world.ts';

/** Turns a stream entry into a row and a confirmed message such that a kill at any moment cannot lose it. */
export interface Alternative {
  readonly name: string;
  /** The package whose installed version is reported. */
  readonly package?: string;
  /** The documented tuning, in one sentence. */
  readonly tuning: string;
  /**
   * Each candidate is tried shortly; the fastest is used in the rounds. The alternative defines its meaning.
   */
  readonly concurrencies: readonly number[];
  /** Size of its own connection pool; default 10. */
  readonly poolSize?: number;
  /** Entries per read, and reads processed at the same time. */
  readonly read: (concurrency: number) => { readonly entries: number; readonly inFlight: number };
  start(world: World): Promise<Running>;
}

export interface Running {
  /** Resolves when the entries may be acknowledged: from then on a kill loses nothing. */
  accept(entries: readonly Entry[]): Promise<void>;
  stop?(): Promise<unknown>;
}
