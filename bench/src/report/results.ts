import type { BrokerResult } from '../limits/broker.ts';
import type { SeedResult } from '../peers/seed.ts';
import type { AuditResult } from '../weir/audit.ts';
import type { BacklogResult } from '../weir/backlog.ts';
import type { CallbackResult } from '../weir/callback.ts';
import type { DoorResult } from '../weir/door.ts';
import type { EmbeddedResult } from '../weir/embedded.ts';
import type { LifecycleResult } from '../weir/lifecycle.ts';
import type { ObservabilityResult } from '../weir/observability.ts';
import type { StreamResult } from '../weir/stream.ts';
import type { ViewsResult } from '../weir/views.ts';

/** Filled while measuring: what a measure found before it failed stays. */
export interface Results {
  broker?: BrokerResult;
  seed?: SeedResult;
  weir?: StreamResult;
  lifecycle?: LifecycleResult;
  callback?: CallbackResult;
  backlog?: BacklogResult;
  embedded?: EmbeddedResult;
  audit?: AuditResult;
  views?: ViewsResult;
  door?: DoorResult;
  observability?: ObservabilityResult;
}
