import { setTimeout as delay } from 'node:timers/promises';
import { ReplyError } from 'ioredis';
import { WeirError } from '../../../errors.ts';
import { shareInFlight } from '../../../lib/gather.ts';
import { formatHost } from '../../../lib/redis-address.ts';
import { Signal } from '../../../lib/signal.ts';
import { readTlsFiles } from '../../../lib/tls-files.ts';
import type { RedisConfig, TelemetryEvent } from '../connections.ts';
import { openRedisServer, type ServerPorts } from '../open-server.ts';
import type { RedisPortsDeps } from '../ports.ts';
import { classifyRefusal } from '../refusal.ts';
import { createConsumerName } from '../stream-group.ts';
import { type ClusterAddress, configOfNode } from './node-config.ts';
import { readNewestSlotMap } from './read-slot-map.ts';
import type { SlotMap } from './slot-map.ts';

const refreshEveryMs = 5_000;
const refreshEveryMsWhileDown = 250;
/** A slot that is being moved is served again within milliseconds, a large key within seconds. */
const movedForMs = 1_500;
const movedPauseMs = 20;

/** The nodes of a Redis Cluster that serve slots, each with connections of its own, and who serves which key. */
export class RedisCluster {
  readonly #config: RedisConfig;
  readonly #address: ClusterAddress;
  readonly #deps: RedisPortsDeps;
  readonly #consumer = createConsumerName();
  readonly #nodes = new Map<string, ServerPorts>();
  readonly #failing = new Set<string>();
  /** Streams whose node changed, until the new one reads them. */
  readonly #handedOver = new Set<string>();
  readonly #stop = new AbortController();
  readonly #wake = new Signal();
  readonly #loop: Promise<void>;
  #map: SlotMap | undefined;
  #why = 'Redis Cluster is connecting';

  /** Reads the map of slots again now. Never fails. */
  readonly refresh: () => Promise<void>;

  /** @throws one sentence when a file of `tls` cannot be read */
  constructor(config: RedisConfig, address: ClusterAddress, deps: RedisPortsDeps) {
    readTlsFiles('data.redis.tls', config.tls);
    this.#config = config;
    this.#address = address;
    this.#deps = deps;
    const refreshOnce = shareInFlight(() => this.#refresh());
    this.refresh = () => refreshOnce(undefined);
    this.#loop = this.#run();
  }

  /** Without credentials. */
  get address(): string {
    return this.#address.seeds.map(formatHost).join(',');
  }

  /** @throws WeirError STORE_UNAVAILABLE while no node is known */
  get nodes(): ServerPorts[] {
    if (this.#nodes.size === 0) throw new WeirError('STORE_UNAVAILABLE', this.#why);
    return [...this.#nodes.values()];
  }

  /** Changes with every move of a slot that was noticed. */
  get map(): SlotMap | undefined {
    return this.#map;
  }

  /** undefined while no node serves the slot of the key. */
  findNode(key: string): ServerPorts | undefined {
    return this.#nodes.get(this.#map?.primaryOf(key) ?? '');
  }

  /** @throws WeirError STORE_UNAVAILABLE while no node serves the slot of the key */
  nodeOf(key: string): ServerPorts {
    const node = this.findNode(key);
    if (!node) throw this.unservedError();
    return node;
  }

  unservedError(): WeirError {
    return new WeirError('STORE_UNAVAILABLE', this.notReady() ?? 'no node of Redis serves this key');
  }

  /** Does the work on the node that serves the key, as `afterMoves`. */
  route<T>(key: string, work: (node: ServerPorts) => Promise<T>): Promise<T> {
    return this.afterMoves(() => work(this.nodeOf(key)));
  }

  /**
   * Does the work, and again when it turns out that a slot has moved: then nothing was done. `work` must be one command, or
   * one that may be repeated.
   */
  async afterMoves<T>(work: () => Promise<T>): Promise<T> {
    const endsAtMs = performance.now() + movedForMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isMoved(error) || performance.now() > endsAtMs) throw error;
        await this.refresh();
        await delay(movedPauseMs);
      }
    }
  }

  /** Not ready: no node can be used. One that fails while others work concerns its products only. */
  notReady(): string | undefined {
    if (!this.#map) return this.#why;
    const down = this.#listDown();
    return down.length === this.#nodes.size ? (down[0] ?? this.#why) : undefined;
  }

  /** What does not work while the rest does. */
  remark(): string | undefined {
    const missing = this.#map?.missing ?? 0;
    if (missing > 0) return `Redis Cluster does not serve ${missing} of 16384 slots`;
    const [down] = this.#listDown();
    if (down !== undefined) return down;
    for (const [name, node] of this.#nodes) {
      const remark = node.remark();
      if (remark !== undefined) return `${name}: ${remark}`;
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.allSettled([...this.#nodes.values()].map((node) => node.close()));
  }

  #listDown(): string[] {
    return [...this.#nodes].flatMap(([name, node]) => {
      const why = node.notReady();
      return why === undefined ? [] : [`${name}: ${why}`];
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.refresh();
      const isCalm =
        this.notReady() === undefined && this.remark() === undefined && this.#handedOver.size === 0;
      await this.#wake.wait(isCalm ? refreshEveryMs : refreshEveryMsWhileDown, signal);
    }
  }

  async #refresh(): Promise<void> {
    const { seeds } = this.#address;
    const names = new Set([...(this.#map?.nodes ?? []), ...seeds.map(formatHost)]);
    try {
      const map = await readNewestSlotMap([...names], (name) => this.#configOf(name));
      if (this.#stop.signal.aborted) return;
      if (!this.#map || !map.equals(this.#map)) this.#apply(map);
      await this.#handOver();
    } catch (error) {
      this.#why = classifyRefusal(error)?.message ?? String(error);
    }
  }

  #apply(map: SlotMap): void {
    for (const node of this.#nodes.values()) {
      for (const stream of node.streams.known()) this.#handedOver.add(stream);
    }
    for (const [name, node] of this.#nodes) {
      if (map.primaries.has(name)) continue;
      this.#nodes.delete(name);
      this.#works(name);
      node.close().catch(() => {});
    }
    this.#map = map;
    for (const name of map.primaries) {
      if (!this.#nodes.has(name)) this.#nodes.set(name, this.#open(name, map));
    }
    // Sales are compared and marks read again: on their new nodes the latest writes may be missing.
    this.#deps.onConnected();
  }

  #open(name: string, map: SlotMap): ServerPorts {
    const emit: RedisPortsDeps['emit'] = (event) => {
      if (event.type === 'store failed') {
        this.#failing.add(name);
        this.#wake.notify();
      }
      if (event.type === 'store back') this.#works(name);
      else this.#deps.emit(nameNode(event, name));
    };
    const member = { tag: () => (this.#map ?? map).tagOf(name), consumer: this.#consumer };
    return openRedisServer(this.#configOf(name), { ...this.#deps, emit }, member);
  }

  /** The store is back when no node fails any more. */
  #works(name: string): void {
    if (!this.#failing.delete(name) || this.#failing.size > 0) return;
    this.#deps.emit({ type: 'store back', store: 'redis' });
  }

  /** Those that cannot be joined yet, on a node that is still connecting, are tried again. */
  async #handOver(): Promise<void> {
    const byNode = new Map<ServerPorts, string[]>();
    for (const stream of this.#handedOver) {
      const node = this.findNode(stream);
      if (node) byNode.set(node, [...(byNode.get(node) ?? []), stream]);
    }
    for (const [node, streams] of byNode) {
      await node.streams.adopt(streams).then(
        () => streams.forEach((stream) => void this.#handedOver.delete(stream)),
        () => {},
      );
    }
  }

  #configOf(name: string): RedisConfig {
    return configOfNode(this.#config, this.#address, name);
  }
}

function nameNode(event: TelemetryEvent | { type: 'warned'; warning: string }, name: string) {
  return event.type === 'store refused' ? { ...event, why: `${name}: ${event.why}` } : event;
}

/** Nothing was done: the node does not serve the key, or only some of the keys while their slot is being moved. */
function isMoved(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  const answer = error instanceof WeirError && cause !== undefined ? cause : error;
  return answer instanceof ReplyError && /^(MOVED|ASK) \d|^TRYAGAIN Multiple/.test((answer as Error).message);
}
