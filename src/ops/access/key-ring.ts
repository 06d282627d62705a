import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  CredentialCache,
  type CredentialCacheDeps,
  type KnownCredentials,
  type KnownKey,
  type KnownSession,
  tagOf,
} from './credential-cache.ts';
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

interface KeyRingDeps extends CredentialCacheDeps {
  /** Keys of the setting server.http.operatorKeys: full access, without the database. */
  configuredKeys: readonly string[];
}

/** Finds who sent a request, by a configured key, a stored key or a session. */
export class KeyRing {
  readonly #deps: KeyRingDeps;
  readonly #cache: CredentialCache;
  readonly #configured: { digest: Buffer; caller: Caller }[];

  constructor(deps: KeyRingDeps) {
    this.#deps = deps;
    this.#cache = new CredentialCache(deps);
    // Identified by list position: anything derived from its hash would help to guess a weak key. No stored
    // key has blanks in its name.
    this.#configured = deps.configuredKeys.map((key, index) => ({
      digest: digestOf(key),
      caller: { name: `configured key ${index + 1}`, scope: 'admin' },
    }));
  }

  /** Whether the cache shows that no key exists. */
  get isKnownOpen(): boolean {
    return this.#configured.length === 0 && this.#cache.recall()?.keys.length === 0;
  }

  /**
   * Whether no key exists at all.
   * @throws WeirError STORE_UNAVAILABLE when that cannot be determined
   */
  async isOpen(): Promise<boolean> {
    return this.#configured.length === 0 && (await this.#cache.read()).keys.length === 0;
  }

  /** The caller by the cache; undefined also when the cache is too old. */
  recallKey(key: string): Caller | undefined {
    const digest = digestOf(key);
    const configured = this.#configured.find((known) => timingSafeEqual(known.digest, digest));
    if (configured) return configured.caller;
    const known = findEqual(this.#cache.recall()?.keysByTag ?? new Map<string, KnownKey>(), digest);
    if (!known || known.hasExpired) return undefined;
    this.#cache.noteUse(known);
    return { name: known.name, scope: known.scope };
  }

  async findKey(key: string): Promise<{ caller: Caller; keyId: string | undefined } | undefined> {
    const digest = digestOf(key);
    const configured = this.#configured.find((known) => timingSafeEqual(known.digest, digest));
    if (configured) return { caller: configured.caller, keyId: undefined };
    let known = findEqual((await this.#cache.read()).keysByTag, digest);
    if (!known && hasKeyForm(key)) known = findEqual((await this.#cache.readOnceMore()).keysByTag, digest);
    if (!known || known.hasExpired) return undefined;
    this.#cache.noteUse(known);
    return { caller: { name: known.name, scope: known.scope, keyId: known.id }, keyId: known.id };
  }

  async findSession(id: string): Promise<Caller | undefined> {
    if (!hasSessionForm(id)) return undefined;
    const digest = digestOf(id);
    let known = await this.#cache.read();
    let session = findEqual(known.sessionsByTag, digest);
    if (!session) {
      known = await this.#cache.readOnceMore();
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
  refresh(): Promise<void> {
    return this.#cache.refresh();
  }

  #findOpener(known: KnownCredentials, { keyId, proof }: KnownSession, id: string): Caller | undefined {
    if (proof) {
      return this.#configured.find(({ digest }) => timingSafeEqual(proofOf(id, digest), proof))?.caller;
    }
    const key = known.keys.find((candidate) => candidate.id === keyId);
    if (!key || key.hasExpired) return undefined;
    this.#cache.noteUse(key);
    return { name: key.name, scope: key.scope, keyId: key.id };
  }
}

/** Finds by a prefix of the SHA-256, whose timing reveals nothing about the key, then compares in full. */
function findEqual<Item extends { digest: Buffer }>(
  items: Map<string, Item>,
  digest: Buffer,
): Item | undefined {
  const found = items.get(tagOf(digest));
  return found && timingSafeEqual(found.digest, digest) ? found : undefined;
}

function proofOf(sessionId: string, keyDigest: Buffer): Buffer {
  return createHmac('sha256', sessionId).update(keyDigest).digest();
}
