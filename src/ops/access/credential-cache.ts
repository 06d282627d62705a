import { WeirError } from '../../errors.ts';
import { pause } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Scope } from './scope.ts';

export interface KnownKey {
  id: string;
  name: string;
  scope: Scope;
  digest: Buffer;
  /** By the database's clock. Expired. Still counts as an existing key, so the API stays closed. */
  hasExpired: boolean;
  /** Its last recorded use is more than a minute old. */
  isUseStale: boolean;
}

export interface KnownSession {
  digest: Buffer;
  /** The stored key that opened the session; undefined: a configured key, which `proof` identifies. */
  keyId: string | undefined;
  proof: Buffer | undefined;
  expiresAt: Date;
}

export interface Credentials {
  keys: KnownKey[];
  sessions: KnownSession[];
}

export interface CredentialCacheDeps {
  /** Reads all keys that are not revoked and all sessions that have not ended. */
  readCredentials: () => Promise<Credentials>;
  /** Records that these keys are in use. */
  markUsed: (keyIds: string[]) => Promise<void>;
  clock: Clock;
  onFailure: (error: unknown, attempt: number) => void;
}

/** State older than this is refreshed in the background; older than the second limit, before the answer. */
const refreshAfterMs = 400;
const freshForMs = 800;
/** How long a request waits for a database that hangs, and how long cached state is used without it. */
const patienceMs = 500;
const graceMs = 60_000;
/** Unknown keys cause at most one refresh in this time. */
const lookAgainAfterMs = 250;

export interface KnownCredentials extends Credentials {
  askedMs: number;
  keysByTag: Map<string, KnownKey>;
  sessionsByTag: Map<string, KnownSession>;
}

/**
 * Caches all keys and sessions, seldom more than a hundred, and refreshes them while requests arrive. Neither
 * a valid nor an invalid key costs a query of its own, and a revoked key is rejected within a second in every
 * process.
 */
export class CredentialCache {
  readonly #deps: CredentialCacheDeps;
  readonly #used = new Set<string>();
  #known: KnownCredentials | undefined;
  #running: Promise<KnownCredentials> | undefined;
  #secondRead: Promise<KnownCredentials> | undefined;
  #failures = 0;
  #isUnavailable = false;

  constructor(deps: CredentialCacheDeps) {
    this.#deps = deps;
  }

  /** Answers from memory, as in nearly all cases; undefined when memory is too old. */
  recall(): KnownCredentials | undefined {
    return this.#ageMs() <= refreshAfterMs ? this.#known : undefined;
  }

  /** @throws WeirError STORE_UNAVAILABLE when the database does not answer and memory is too old */
  async read(): Promise<KnownCredentials> {
    return this.recall() ?? (await this.#readStale());
  }

  /** Refreshes after a change by this process, so that it takes effect here immediately. */
  async refresh(): Promise<void> {
    await this.#running?.catch(() => {});
    await this.#startRead().catch(() => {});
  }

  /** Its use is recorded with the next refresh. */
  noteUse({ id, isUseStale }: KnownKey): void {
    if (isUseStale) this.#used.add(id);
  }

  #ageMs(): number {
    return this.#known ? this.#deps.clock.monotonicMs() - this.#known.askedMs : Number.POSITIVE_INFINITY;
  }

  async #readStale(): Promise<KnownCredentials> {
    const known = this.#known;
    const ageMs = this.#ageMs();
    const read = this.#startRead();
    if (known && (ageMs <= freshForMs || (this.#isUnavailable && ageMs <= graceMs))) return known;
    const fresh = await this.#waitFor(read);
    if (fresh) return fresh;
    // While the database is unavailable no key can be revoked, so the cache may be used for a grace period.
    if (known && ageMs <= graceMs) return known;
    throw storeUnavailable();
  }

  /**
   * Refreshes for an unknown key, which another process may have just created. Concurrent callers share one
   * query.
   * @throws WeirError STORE_UNAVAILABLE: an unknown key cannot be checked then
   */
  readOnceMore(): Promise<KnownCredentials> {
    this.#secondRead ??= this.#readAgain();
    return this.#secondRead;
  }

  async #readAgain(): Promise<KnownCredentials> {
    const sinceMs = this.#deps.clock.monotonicMs() - (this.#known?.askedMs ?? 0);
    await pause(Math.max(0, lookAgainAfterMs - sinceMs));
    if (this.#running) await this.#waitFor(this.#running);
    // Later callers must not join the refresh that starts now.
    this.#secondRead = undefined;
    const fresh = await this.#waitFor(this.#startRead());
    if (!fresh) throw storeUnavailable();
    return fresh;
  }

  /** @returns undefined on failure or timeout */
  async #waitFor(read: Promise<KnownCredentials>): Promise<KnownCredentials | undefined> {
    const fresh = await Promise.race([read.catch(() => undefined), pause(patienceMs)]);
    if (!fresh) this.#isUnavailable = true;
    return fresh ?? undefined;
  }

  #startRead(): Promise<KnownCredentials> {
    if (!this.#running) {
      this.#running = this.#readKeys().finally(() => {
        this.#running = undefined;
      });
      // Usually a background refresh with no caller to reject; errors go to onFailure.
      this.#running.catch(() => {});
    }
    return this.#running;
  }

  async #readKeys(): Promise<KnownCredentials> {
    const askedMs = this.#deps.clock.monotonicMs();
    try {
      const { keys, sessions } = await this.#deps.readCredentials();
      this.#known = { askedMs, keys, sessions, keysByTag: byTag(keys), sessionsByTag: byTag(sessions) };
      this.#failures = 0;
      this.#isUnavailable = false;
    } catch (error) {
      this.#isUnavailable = true;
      this.#deps.onFailure(error, ++this.#failures);
      throw error;
    }
    await this.#recordUse();
    return this.#known;
  }

  /** Failures are ignored: a read-only database must still admit callers. */
  async #recordUse(): Promise<void> {
    const used = [...this.#used];
    this.#used.clear();
    if (used.length === 0) return;
    await this.#deps.markUsed(used).catch((error) => this.#deps.onFailure(error, 1));
  }
}

function storeUnavailable(): WeirError {
  return new WeirError('STORE_UNAVAILABLE', 'cannot read the operator keys: the database does not answer');
}

function byTag<Item extends { digest: Buffer }>(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [tagOf(item.digest), item]));
}

/** A prefix of the SHA-256: the time that a search by it takes reveals nothing about the key. */
export function tagOf(digest: Buffer): string {
  return digest.toString('latin1', 0, 16);
}
