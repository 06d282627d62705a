import type { SaleCounters } from '../../core/compensation/restock.ts';
import type { ProductId } from '../../core/instance/purchase.ts';
import type { SeckillStreams } from '../../core/triggers/seckill-streams.ts';
import type { StreamReadings } from '../../ops/audit/stream-reading.ts';
import type { MarkedStore } from '../../ops/installation/pairing.ts';
import type { StreamBacklog } from '../../ops/live/backlog.ts';
import type { Checkout } from '../../sale/checkout.ts';
import type { LiveSales } from '../../sale/live-sales.ts';
import type { StreamPositions } from '../../sale/purchase-progress.ts';
import type { TelemetryEvent } from './connections.ts';

/** What Weir does with Redis, whether that is one server or the nodes of a cluster. */
export interface RedisPorts {
  streams: RedisStreams;
  live: LiveSales;
  counters: SaleCounters;
  checkout: Checkout;
  places: StreamPositions;
  readings: StreamReadings;
  /** Of every seckill stream. */
  readBacklog(): Promise<StreamBacklog>;
  mark: MarkedStore;
  /** Why Redis cannot be used; undefined: it can. */
  notReady(): string | undefined;
  /** What does not work while the rest does. */
  remark(): string | undefined;
  close(): Promise<void>;
}

export interface RedisStreams extends SeckillStreams {
  /** XADD for each list of alternating names and values. @returns their ids @throws WeirError STORE_UNAVAILABLE */
  add(stream: string, entries: readonly string[][]): Promise<string[]>;
}

export interface RedisPortsDeps {
  emit: (event: TelemetryEvent | { type: 'warned'; warning: string }) => void;
  /** Redis has the present sales only, and no list of them. */
  ledger: Pick<Checkout, 'findSecret' | 'listProducts'>;
  /** See RedisCheckoutOptions. */
  verify: (productId: ProductId) => Promise<void> | undefined;
  /** A connection is new: it may lead to another server, or to one that has lost its latest writes. */
  onConnected: () => void;
}
