import type { InstanceId } from '../../../core/instance/purchase.ts';
import { LruMap } from '../../../lib/lru-map.ts';

/**
 * Which trace made an instance, for the link from its result. Only of sampled ones, and only the last of this process: the
 * row has no room for it, and a Resource Domain that continues the trace needs no link to find its beginning.
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
