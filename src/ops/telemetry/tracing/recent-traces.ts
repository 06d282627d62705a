import type { InstanceId } from '../../../core/instance/purchase.ts';
import { LruMap } from '../../../lib/lru-map.ts';

/**
 * Remembers which trace created an instance, to link its result. Covers only recent sampled instances of this
 * process: the row has no column for it, and a Resource Domain that continues the trace needs no link.
 */
export class RecentTraces {
  readonly #traceparents: LruMap<InstanceId, string>;

  constructor(most = 10_000) {
    this.#traceparents = new LruMap(most);
  }

  remember(instanceId: InstanceId, traceparent: string): void {
    this.#traceparents.set(instanceId, traceparent);
  }

  find(instanceId: InstanceId): string | undefined {
    return this.#traceparents.get(instanceId);
  }
}
