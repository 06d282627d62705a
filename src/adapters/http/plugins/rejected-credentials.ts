import type { FastifyRequest } from 'fastify';
import { WeirError } from '../../../errors.ts';
import { nameAddress } from '../../../lib/address.ts';
import { TokenBuckets } from '../../../lib/token-buckets.ts';
import type { Emit } from '../../../ops/telemetry/events.ts';

type CredentialKind = 'key' | 'signature';

/** Wrong credentials that an address may send before it gets 429 instead of 401, and then per minute. */
const perMinute = 120;
const everyMs = 60_000;
/** Addresses named in the log per minute; all others share one line. */
const maxNamed = 100;
const others = 'others';

/**
 * Counts, logs and limits wrong keys and signatures on every route. Valid credentials are checked first and
 * never counted, so a client with a valid key is not affected by others at its address.
 */
export class RejectedCredentials {
  readonly #emit: Emit;
  readonly #buckets: TokenBuckets;
  /** By kind and address: how many have not been logged yet. */
  readonly #unlogged = new Map<string, { kind: CredentialKind; address: string; count: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(emit: Emit, isLimited: boolean) {
    this.#emit = emit;
    this.#buckets = new TokenBuckets({ perSecond: isLimited ? perMinute / 60 : 0, burst: perMinute });
  }

  /** @throws WeirError RATE_LIMITED when too many came from the address of this request */
  note(kind: CredentialKind, { ip }: Pick<FastifyRequest, 'ip'>): void {
    const address = nameAddress(ip);
    this.#emit({ type: 'credential rejected', kind });
    this.#count(kind, address);
    const waitMs = this.#buckets.take(`${kind} ${address}`);
    if (waitMs === 0) return;
    throw new WeirError('RATE_LIMITED', `too many wrong ${kind}s from this address`, {
      retryAfterMs: waitMs,
    });
  }

  /** Logs the pending counts. */
  close(): void {
    clearInterval(this.#timer);
    this.#logCounts();
  }

  /** The first one is logged immediately; the others of its minute in one line. */
  #count(kind: CredentialKind, address: string): void {
    const name = `${kind} ${address}`;
    const known = this.#unlogged.get(name);
    if (known) {
      known.count++;
      return;
    }
    const isNamed = this.#unlogged.size < maxNamed;
    if (!isNamed && address !== others) {
      this.#count(kind, others);
      return;
    }
    this.#unlogged.set(name, { kind, address, count: isNamed ? 0 : 1 });
    if (isNamed) this.#emit({ type: 'credentials rejected', kind, address, count: 1 });
    this.#timer ??= setInterval(() => this.#logCounts(), everyMs).unref();
  }

  #logCounts(): void {
    for (const [name, entry] of this.#unlogged) {
      if (entry.count === 0) this.#unlogged.delete(name);
      else this.#emit({ type: 'credentials rejected', ...entry });
      entry.count = 0;
    }
    if (this.#unlogged.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
