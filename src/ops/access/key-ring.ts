import { createHmac, timingSafeEqual } from 'node:crypto';
import { WeirError } from '../../errors.ts';
import { pause } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { digestOf, hasKeyForm, hasSessionForm } from './operator-key.ts';
import type { Scope } from './scope.ts';

/** Who sent a request. */
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
  /** Its use was last written down over a minute ago. */
  isUseStale: boolean;
}

export interface KnownSession {
  digest: Buffer;
  /** The key that opened it; undefined: one of the settings, which `proof` identifies. */
  keyId: string | undefined;
  proof: Buffer | undefined;
  expiresAt: Date;
}

export interface Credentials {
  keys: KnownKey[];
  sessions: KnownSession[];
}

export interface KeyRingDeps {
  /** All keys that are not revoked and all sessions that have not ended. */
  readCredentials: () => Promise<Credentials>;
  /** Writes down that these keys are in use. */
  markUsed: (keyIds: string[]) => Promise<void>;
  /** Keys of the setting server.http.operatorKeys: they may do everything, and need no database. */
  configuredKeys: readonly string[];
  clock: Clock;
  onFailure: (error: unknown, attempt: number) => void;
}

/** An older state is refreshed in the background; one older than the second limit is refreshed before the answer. */
const refreshAfterMs = 400;
const freshForMs = 800;
/** How long a request waits for a database that hangs, and how long what was known goes on without it. */
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
 * All keys and sessions in memory, seldom more than a hundred, read again while requests come: none of them costs a query
 * of its own, neither one with a good key nor one with a wrong one, and what is revoked opens nothing a second later, here
 * and in every other process.
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
    // By its place in the list: anything of its hash would help to guess a weak one. No stored key has blanks in its name.
    this.#configured = deps.configuredKeys.map((key, index) => ({
      digest: digestOf(key),
      caller: { name: `configured key ${index + 1}`, scope: 'admin' },
    }));
  }

  /** Whether it is known without a query that no key exists. */
  get isKnownOpen(): boolean {
    return this.#configured.length === 0 && this.#fresh()?.keys.length === 0;
  }

  /** Whether no key exists at all. @throws WeirError STORE_UNAVAILABLE when that cannot be known */
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

  /** What a session keeps of the configured key that opened it: worthless without the cookie. */
  proveKey(sessionId: string, key: string): Buffer {
    return proofOf(sessionId, digestOf(key));
  }

  /** After a change of our own: it counts at once in this process. */
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

  /** The answer from memory, as nearly always: no promise is awaited. */
  #fresh(): Known | undefined {
    return this.#ageMs() <= refreshAfterMs ? this.#known : undefined;
  }

  #ageMs(): number {
    return this.#known ? this.#deps.clock.monotonicMs() - this.#known.askedMs : Number.POSITIVE_INFINITY;
  }

  async #read(): Promise<Known> {
    const known = this.#known;
    const ageMs = this.#ageMs();
    const look = this.#startRead();
    if (known && (ageMs <= freshForMs || (this.#isAway && ageMs <= graceMs))) return known;
    const fresh = await this.#waitFor(look);
    if (fresh) return fresh;
    // While the database is unavailable no key can be revoked, and sales continue for a while.
    if (known && ageMs <= graceMs) return known;
    throw storeAway();
  }

  /**
   * For an unknown key: another process may have just created it. Concurrent callers share one query.
   *
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
    // A caller from here on is too late for the refresh that begins now.
    this.#secondRead = undefined;
    const fresh = await this.#waitFor(this.#startRead());
    if (!fresh) throw storeAway();
    return fresh;
  }

  /** @returns undefined when it fails or takes too long */
  async #waitFor(look: Promise<Known>): Promise<Known | undefined> {
    const fresh = await Promise.race([look.catch(() => undefined), pause(patienceMs)]);
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

  /** Also a database that takes no writes at the moment lets people in. */
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

/** Found by the first digits of its SHA-256, whose timing reveals nothing of the key; then compared in full. */
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
