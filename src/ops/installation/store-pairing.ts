import { WeirError } from '../../errors.ts';
import { shareInFlight } from '../../lib/gather.ts';
import { repeatEvery } from '../../lib/repeat.ts';
import { type InstallationRows, type MarkedStore, markEveryMs, verifyPairing } from './pairing.ts';

interface StorePairingDeps {
  rows: InstallationRows;
  store: MarkedStore;
  /** Called once when the store belongs to another installation. */
  onForeign: (why: string) => void;
}

const retry = { firstMs: 1_000, maxMs: 10_000 };
/** Minimum interval between comparisons of a foreign store, which may have been adopted. */
const compareAgainAfterMs = 1_000;

/**
 * Prevents a process from using a store of another installation: compares the marks on every new connection,
 * before its first use.
 */
export class StorePairing {
  readonly #deps: StorePairingDeps;
  readonly #verify: (_: undefined) => Promise<void>;
  #state: 'unknown' | 'ours' | 'foreign' = 'unknown';
  #why = '';
  #comparedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: StorePairingDeps) {
    this.#deps = deps;
    this.#verify = shareInFlight(() => this.#compare());
  }

  /** Why the store is not used; undefined: it is paired, as far as is known. */
  get notReady(): string | undefined {
    return this.#state === 'foreign' ? this.#why : undefined;
  }

  /**
   * Resolves when the store is paired.
   * @throws WeirError STORE_MISMATCH; an error of either store
   */
  readonly require = async (): Promise<void> => {
    if (this.#state === 'ours') return;
    const isFresh = performance.now() - this.#comparedAtMs < compareAgainAfterMs;
    if (this.#state === 'unknown' || !isFresh) await this.#verify(undefined);
    if (this.notReady !== undefined) throw new WeirError('STORE_MISMATCH', this.notReady);
  };

  /** Called for a new connection, which may lead to another store. */
  readonly forget = (): void => {
    this.#state = 'unknown';
  };

  /** Compares periodically, which also shows other processes that this one is running. */
  run(signal: AbortSignal): Promise<void> {
    const options = { everyMs: markEveryMs, retry, onFailure: () => {} };
    return repeatEvery(options, () => this.#verify(undefined), signal);
  }

  async #compare(): Promise<void> {
    const why = await verifyPairing(this.#deps.rows, this.#deps.store);
    this.#comparedAtMs = performance.now();
    if (why !== undefined && why !== this.#why) this.#deps.onForeign(why);
    this.#state = why === undefined ? 'ours' : 'foreign';
    this.#why = why ?? '';
  }
}

/** Wraps an object so that the named methods first require a paired store. */
export function requirePairing<T extends object>(
  target: T,
  methods: readonly (keyof T)[],
  pairing: StorePairing,
): T {
  const guarded = new Map<unknown, unknown>();
  for (const name of methods) {
    const method = target[name] as (...args: unknown[]) => Promise<unknown>;
    guarded.set(name, async (...args: unknown[]) => {
      await pairing.require();
      return method.apply(target, args);
    });
  }
  return new Proxy(target, {
    get(_, name) {
      if (guarded.has(name)) return guarded.get(name);
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
