import { WeirError } from '../../errors.ts';
import { shareInFlight } from '../../lib/gather.ts';
import { repeatEvery } from '../../lib/repeat.ts';
import { type InstallationRows, type MarkedStore, markEveryMs, verifyPairing } from './pairing.ts';

export interface StorePairingDeps {
  rows: InstallationRows;
  store: MarkedStore;
  /** The store is not this installation's; reported once. */
  onForeign: (why: string) => void;
}

const retry = { firstMs: 1_000, maxMs: 10_000 };
/** While a store is not ours it is compared this often at most: it may have been adopted. */
const compareAgainAfterMs = 1_000;

/** Keeps a process from using a store of another installation: compared on every new connection, before the first use. */
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

  /** Why the store is not used; undefined: it is ours, as far as is known. */
  get notReady(): string | undefined {
    return this.#state === 'foreign' ? this.#why : undefined;
  }

  /** Resolves when the store is ours. @throws WeirError STORE_MISMATCH; an error of either store */
  readonly require = async (): Promise<void> => {
    if (this.#state === 'ours') return;
    const isFresh = performance.now() - this.#comparedAtMs < compareAgainAfterMs;
    if (this.#state === 'unknown' || !isFresh) await this.#verify(undefined);
    if (this.notReady !== undefined) throw new WeirError('STORE_MISMATCH', this.notReady);
  };

  /** A new connection: it may lead to another store. */
  readonly forget = (): void => {
    this.#state = 'unknown';
  };

  /** Compares again and again, and so shows other processes that this one is alive. */
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

/** The same object, whose named methods first require that the store is ours. */
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
