import { createHmac, timingSafeEqual } from 'node:crypto';
import { WeirError } from '../../errors.ts';
import { pause } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { digestOf, hasKeyForm, hasSessionForm } from './operator-key.ts';
import type { Scope } from './scope.ts';

/** The authenticated sender of a request. */
export interface Caller {
  /** The name that is recorded with each change. */
  name: string;
  scope: Scope;
  /** undefined: a key of the settings, or none. */
  keyId?: string;
  /** When the session ends; undefined: the request carried a key. */
  until?: Date;
}

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

export interface KeyRingDeps {
  /** Reads all keys that are not revoked and all sessions that have not ended. */
  readCredentials: () => Promise<Credentials>;
  /** Records that these keys are in use. */
  markUsed: (keyIds: string[]) => Promise<void>;
  /** Keys of the setting server.http.operatorKeys: full access, without the database. */
  configuredKeys: readonly string[];
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

interface Known extends Credentials {
  askedMs: number;
  keysByTag: Map<string, KnownKey>;
  sessionsByTag: Map<string, KnownSession>;
}

/**
 * Caches all keys and sessions, seldom more than a hundred, and refreshes them while requests arrive. Neither
 * a valid nor an invalid key costs a query of its own, and a revoked key is rejected within a second in every
 * process.
 */
export class KeyRing {
  readonly #deps: KeyRingDeps;
  readonly #configured: { digest: Buffer; caller: Caller }[];
  readonly #used = new Set<string>();
  #known: Known | undefined;
  #running: Promise<Known> | undefined;
  #secondRead: Promise<Known> | undefined;
  #failures = 0;
  #isAway = false;

  constructor(deps: KeyRingDeps) {
    this.#deps = deps;
    // Identified by list position: anything derived from its hash would help to guess a weak key. No stored
    // key has blanks in its name.
    this.#configured = deps.configuredKeys.map((key, index) => ({
      digest: digestOf(key),
      caller: { name: `configured key ${index + 1}`, scope: 'admin' },
    }));
  }

  /** Whether the cache shows that no key exists. */
  get isKnownOpen(): boolean {
    return this.#configured.length === 0 && this.#fresh()?.keys.length === 0;
  }

  /**
   * Whether no key exists at all.
   * @throws WeirError STORE_UNAVAILABLE when that cannot be determined
   */
  async isOpen(): Promise<boolean> {
    return this.#configured.length === 0 && (this.#fresh() ?? (await this.#read())).keys.length === 0;
  }

  /** What memory knows of a key; undefined also when memory is too old to say. */
  recallKey(key: string): Caller | undefined {
    const digest = digestOf(key);
    const configured = this.#configured.find((known) => timingSafeEqual(known.digest, digest));
    if (configured) return configured.caller;
    const known = findEqual(this.#fresh()?.keysByTag ?? new Map<string, KnownKey>(), digest);
    if (!known || known.hasExpired) return undefined;
    if (known.isUseStale) this.#used.add(known.id);
    return { name: known.name, scope: known.scope };
  }

  async findKey(key: string): Promise<{ caller: Caller; keyId: string | undefined } | undefined> {
    const digest = digestOf(key);
    const configured = this.#configured.find((known) => timingSafeEqual(known.digest, digest));
    if (configured) return { caller: configured.caller, keyId: undefined };
    let known = findEqual((this.#fresh() ?? (await this.#read())).keysByTag, digest);
    if (!known && hasKeyForm(key)) known = findEqual((await this.#readOnceMore()).keysByTag, digest);
    if (!known || known.hasExpired) return undefined;
    if (known.isUseStale) this.#used.add(known.id);
    return { caller: { name: known.name, scope: known.scope, keyId: known.id }, keyId: known.id };
  }

  async findSession(id: string): Promise<Caller | undefined> {
    if (!hasSessionForm(id)) return undefined;
    const digest = digestOf(id);
    let known = this.#fresh() ?? (await this.#read());
    let session = findEqual(known.sessionsByTag, digest);
    if (!session) {
      known = await this.#readOnceMore();
      session = findEqual(known.sessionsByTag, digest);
    }
    if (!session || session.expiresAt.getTime() <= this.#deps.clock.wallMs()) return undefined;
    const opener = this.#findOpener(known, session, id);
    return opener && { ...opener, until: session.expiresAt };
  }

  /** Proof of the configured key that opened a session; useless without the cookie. */
  proveKey(sessionId: string, key: string): Buffer {
    return proofOf(sessionId, digestOf(key));
  }

  /** Refreshes after a change by this process, so that it takes effect here immediately. */
  async readAnew(): Promise<void> {
    await this.#running?.catch(() => {});
    await this.#startRead().catch(() => {});
  }

  #findOpener(known: Known, { keyId, proof }: KnownSession, id: string): Caller | undefined {
    if (proof) {
      return this.#configured.find(({ digest }) => timingSafeEqual(proofOf(id, digest), proof))?.caller;
    }
    const key = known.keys.find((candidate) => candidate.id === keyId);
    if (!key || key.hasExpired) return undefined;
    if (key.isUseStale) this.#used.add(key.id);
    return { name: key.name, scope: key.scope, keyId: key.id };
  }

  /** Returns the cached state synchronously, as in nearly all cases. */
  #fresh(): Known | undefined {
    return this.#ageMs() <= refreshAfterMs ? this.#known : undefined;
  }

  #ageMs(): number {
    return this.#known ? this.#deps.clock.monotonicMs() - this.#known.askedMs : Number.POSITIVE_INFINITY;
  }

  async #read(): Promise<Known> {
    const known = this.#known;
    const ageMs = this.#ageMs();
    const read = this.#startRead();
    if (known && (ageMs <= freshForMs || (this.#isAway && ageMs <= graceMs))) return known;
    const fresh = await this.#waitFor(read);
    if (fresh) return fresh;
    // While the database is unavailable no key can be revoked, so the cache may be used for a grace period.
    if (known && ageMs <= graceMs) return known;
    throw storeAway();
  }

  /**
   * Refreshes for an unknown key, which another process may have just created. Concurrent callers share one
   * query.
   * @throws WeirError STORE_UNAVAILABLE: an unknown key cannot be checked then
   */
  #readOnceMore(): Promise<Known> {
    this.#secondRead ??= this.#readAgain();
    return this.#secondRead;
  }

  async #readAgain(): Promise<Known> {
    const sinceMs = this.#deps.clock.monotonicMs() - (this.#known?.askedMs ?? 0);
    await pause(Math.max(0, lookAgainAfterMs - sinceMs));
    if (this.#running) await this.#waitFor(this.#running);
    // Later callers must not join the refresh that starts now.
    this.#secondRead = undefined;
    const fresh = await this.#waitFor(this.#startRead());
    if (!fresh) throw storeAway();
    return fresh;
  }

  /** @returns undefined on failure or timeout */
  async #waitFor(read: Promise<Known>): Promise<Known | undefined> {
    const fresh = await Promise.race([read.catch(() => undefined), pause(patienceMs)]);
    if (!fresh) this.#isAway = true;
    return fresh ?? undefined;
  }

  #startRead(): Promise<Known> {
    if (!this.#running) {
      this.#running = this.#readKeys().finally(() => {
        this.#running = undefined;
      });
      // Usually a background refresh with no caller to reject; errors go to onFailure.
      this.#running.catch(() => {});
    }
    return this.#running;
  }

  async #readKeys(): Promise<Known> {
    const askedMs = this.#deps.clock.monotonicMs();
    try {
      const { keys, sessions } = await this.#deps.readCredentials();
      this.#known = { askedMs, keys, sessions, keysByTag: byTag(keys), sessionsByTag: byTag(sessions) };
      this.#failures = 0;
      this.#isAway = false;
    } catch (error) {
      this.#isAway = true;
      this.#deps.onFailure(error, ++this.#failures);
      throw error;
    }
    await this.#writeDownUse();
    return this.#known;
  }

  /** Failures are ignored: a read-only database must still admit callers. */
  async #writeDownUse(): Promise<void> {
    const used = [...this.#used];
    this.#used.clear();
    if (used.length === 0) return;
    await this.#deps.markUsed(used).catch((error) => this.#deps.onFailure(error, 1));
  }
}

function storeAway(): WeirError {
  return new WeirError('STORE_UNAVAILABLE', 'cannot read the operator keys: the database does not answer');
}

function byTag<Item extends { digest: Buffer }>(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [tagOf(item.digest), item]));
}

/** Finds by a prefix of the SHA-256, whose timing reveals nothing about the key, then compares in full. */
function findEqual<Item extends { digest: Buffer }>(
  items: Map<string, Item>,
  digest: Buffer,
): Item | undefined {
  const found = items.get(tagOf(digest));
  return found && timingSafeEqual(found.digest, digest) ? found : undefined;
}

function tagOf(digest: Buffer): string {
  return digest.toString('latin1', 0, 16);
}

function proofOf(sessionId: string, keyDigest: Buffer): Buffer {
  return createHmac('sha256', sessionId).update(keyDigest).digest();
}
