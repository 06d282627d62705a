import { type Redis, ReplyError } from 'ioredis';
import { streamPrefix } from '../../core/triggers/seckill-key.ts';
import { answerDeadlineMs, withDeadline } from './connect.ts';
import { saleStreams } from './sale-keys.ts';

const keysPerStep = 1_000;
const stepsPerScan = 20;
/**
 * Share of the time between two scans that is spent on requests to Redis; the first pass through all keys may
 * use more.
 */
const shareForScan = 0.02;
const shareForFirstScan = 0.2;
const shareForNames = 0.01;
const longestSpanMs = 1_000;

/**
 * Finds the keys of seckill streams. Streams of Weir's own sales are listed by name; all others are found by
 * scanning every key of Redis, a little at a time, since other programs may keep millions of keys there.
 */
export class StreamFinder {
  readonly #redis: Redis;
  #cursor = '0';
  #isFirstPass = true;
  #scannedAtMs = performance.now();
  #namesDueAtMs = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Streams that have or had a sale of Weir, whether or not they have entries. */
  async findOwn(): Promise<string[]> {
    const startedAtMs = performance.now();
    if (startedAtMs < this.#namesDueAtMs) return [];
    try {
      return await this.#ask(this.#redis.smembers(saleStreams));
    } catch (error) {
      // Not permitted, or a key of another program: the scan finds the sale.
      if (error instanceof ReplyError) return [];
      throw error;
    } finally {
      this.#namesDueAtMs = startedAtMs + (performance.now() - startedAtMs) / shareForNames;
    }
  }

  async scan(): Promise<string[]> {
    const startedAtMs = performance.now();
    const spanMs = Math.min(longestSpanMs, startedAtMs - this.#scannedAtMs);
    const endsAtMs = startedAtMs + spanMs * (this.#isFirstPass ? shareForFirstScan : shareForScan);
    this.#scannedAtMs = startedAtMs;
    const found: string[] = [];
    for (let step = 0; step < stepsPerScan && (step === 0 || performance.now() < endsAtMs); step++) {
      const [cursor, keys] = await this.#ask(
        this.#redis.scan(this.#cursor, 'MATCH', `${streamPrefix}*`, 'COUNT', keysPerStep, 'TYPE', 'stream'),
      );
      this.#cursor = cursor;
      found.push(...keys);
      if (cursor !== '0') continue;
      this.#isFirstPass = false;
      break;
    }
    return found;
  }

  #ask<T>(reply: Promise<T>): Promise<T> {
    return withDeadline(this.#redis, answerDeadlineMs, reply);
  }
}
