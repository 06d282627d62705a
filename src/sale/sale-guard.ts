import type { ProductId } from '../core/instance/purchase.ts';
import { shareInFlight } from '../lib/gather.ts';
import { repeatEvery } from '../lib/repeat.ts';
import type { LedgerSale, SaleLedger } from './ledger.ts';
import type { LiveSale, LiveSales } from './live-sales.ts';
import { rebuildingError } from './rebuilding-error.ts';

interface SaleGuardDeps {
  ledger: SaleLedger;
  live: LiveSales;
  /** `lost`: units that were sold and of which no trace is left. */
  onRebuilt: (sale: LedgerSale, why: string, lost: number) => void;
  onClosed: (sale: LedgerSale, why: string) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

const lookEveryMs = 1_000;
/** Comparing many sales takes longer, so the interval grows with their number. */
const msPerSale = 2;
const retry = { firstMs: 500, maxMs: 5_000 };
/** Comparisons before a buyer has to retry, while the store changes meanwhile. */
const maxTries = 3;

/**
 * Compares the counters of running sales with the database, and rebuilds those that are missing or behind: a
 * restarted, replaced or failed-over store may have lost its latest writes. A sale is compared before the
 * first buy over a new connection, then once a second.
 */
export class SaleGuard {
  readonly #deps: SaleGuardDeps;
  /** The sales found by the last comparison. */
  #current = new Map<ProductId, LedgerSale>();
  /** Products compared since the store was last connected. */
  #verified = new Set<ProductId>();
  #reported = new Map<number, string>();
  readonly #rebuilding = new Map<number, Promise<boolean>>();
  readonly #verify: (productId: ProductId) => Promise<void>;

  constructor(deps: SaleGuardDeps) {
    this.#deps = deps;
    this.#verify = shareInFlight((productId) => this.#verifyOne(productId));
  }

  run(signal: AbortSignal): Promise<void> {
    const options = { everyMs: lookEveryMs, retry, onFailure: this.#deps.onFailure };
    let nextAtMs = 0;
    return repeatEvery(
      options,
      async () => {
        if (performance.now() < nextAtMs) return;
        await this.checkSales();
        nextAtMs = performance.now() + this.#current.size * msPerSale;
      },
      signal,
    );
  }

  /** Compares every current sale. */
  async checkSales(): Promise<void> {
    const { ledger, live } = this.#deps;
    // Read the database first: the store must have everything the database had at that time.
    const sales = await ledger.listCurrent();
    this.#current = new Map(sales.map((sale) => [sale.productId, sale]));
    const found = await live.read(sales.map(({ stream }) => stream));
    await ledger.noteSeen(sales.flatMap((sale, i) => toSeen(sale, found[i])));
    for (const [i, sale] of sales.entries()) await this.#compare(sale, found[i]);
  }

  /** The store was connected again: it may be another one, or have lost writes. */
  readonly forget = (): void => {
    this.#verified = new Set();
  };

  /** A unit was sold twice, so the counters are wrong even if they look plausible. */
  async distrust(stream: string): Promise<void> {
    for (const sale of await this.#deps.ledger.listCurrent()) {
      if (sale.stream === stream) await this.#rebuild(sale, 'a unit was sold twice');
    }
  }

  /**
   * Whether the database had a sale of the product that is running, scheduled or ended lately, at the last
   * comparison.
   */
  hasSale(productId: ProductId): boolean {
    return this.#current.has(productId);
  }

  /**
   * Returns undefined when the sale is verified.
   * @throws WeirError STORE_UNAVAILABLE while the sale is being rebuilt
   */
  ready(productId: ProductId): Promise<void> | undefined {
    return this.#verified.has(productId) ? undefined : this.#verify(productId);
  }

  async #verifyOne(productId: ProductId): Promise<void> {
    const { ledger, live } = this.#deps;
    for (let tries = 0; tries < maxTries; tries++) {
      const verified = this.#verified;
      const sale = await ledger.find(productId);
      if (!sale) return;
      const [found] = await live.read([sale.stream]);
      const outcome = await this.#compare(sale, found);
      if (outcome === 'closed') break;
      // Read the rebuilt sale again: during a failover two connections may lead to two servers.
      if (outcome === 'rebuilt') continue;
      verified.add(productId);
      // Otherwise the connection was replaced meanwhile.
      if (verified === this.#verified) return;
    }
    throw rebuildingError();
  }

  async #compare(sale: LedgerSale, found: LiveSale | undefined): Promise<'well' | 'rebuilt' | 'closed'> {
    if (found && found.number > sale.id) {
      const latest = await this.#deps.ledger.find(sale.productId);
      // A newer sale was opened after the database was read.
      if (latest && latest.id > sale.id) return 'well';
    }
    const why = findDamage(sale, found);
    if (why !== undefined) return (await this.#rebuild(sale, why)) ? 'rebuilt' : 'closed';
    if (found && found.version < sale.version) await this.#deps.live.apply(sale);
    return 'well';
  }

  /** Concurrent callers that find the same damage share one rebuild. */
  #rebuild(sale: LedgerSale, why: string): Promise<boolean> {
    let underWay = this.#rebuilding.get(sale.id);
    if (!underWay) {
      underWay = this.#rebuildOnce(sale, why).finally(() => this.#rebuilding.delete(sale.id));
      this.#rebuilding.set(sale.id, underWay);
    }
    return underWay;
  }

  async #rebuildOnce(sale: LedgerSale, why: string): Promise<boolean> {
    const { ledger, live, onRebuilt, onClosed } = this.#deps;
    let lost = 0;
    const readUnits = async function* () {
      lost = await ledger.noteLoss(sale);
      yield* ledger.readUnits(sale.stream);
    };
    // A sale that cannot be rebuilt, such as one whose key has another type, must not block the others.
    const notNow = await live.rebuild(sale, readUnits).catch((error: unknown) => describe(error));
    if (notNow === undefined) {
      this.#reported.delete(sale.id);
      onRebuilt(sale, why, lost);
      return true;
    }
    if (this.#reported.get(sale.id) !== notNow) onClosed(sale, `${why}; ${notNow}`);
    this.#reported.set(sale.id, notNow);
    return false;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toSeen(sale: LedgerSale, found: LiveSale | undefined): { id: number; nth: number }[] {
  return found?.number === sale.id && found.nth > sale.seenNth ? [{ id: sale.id, nth: found.nth }] : [];
}

function findDamage(sale: LedgerSale, found: LiveSale | undefined): string | undefined {
  if (!found) return 'its counters are gone';
  if (found.isRebuilding) return 'an earlier attempt was not finished';
  if (found.number !== sale.id || found.secret !== sale.secret) return 'the store has another sale';
  const known = Math.max(sale.lastNth, sale.seenNth);
  if (found.nth < known) return `the store knows ${found.nth} sold units, and ${known} were sold`;
  return undefined;
}
