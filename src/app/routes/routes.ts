import type { TryDeps } from '../../adapters/http/routes/try.ts';
import type { HttpRoutes } from '../../adapters/http/server.ts';
import type { KeyRing } from '../../ops/access/key-ring.ts';
import type { Components } from '../components.ts';
import { createPaying } from '../paying.ts';
import { wantsDemo } from '../stores.ts';
import { createInstanceRoutes } from './instances.ts';
import { createOperatorRoutes } from './operators.ts';
import { createOrderRoutes } from './orders.ts';
import { createParkedRoutes } from './parked.ts';
import { createSaleRoutes } from './sale.ts';

/** What the routes need; each group of them receives its part. */
export type RouteParts = Omit<Components, 'lifecycle' | 'outbox' | 'queueDatabase' | 'tracing' | 'outages'>;

export interface RouteOptions {
  keyRing: KeyRing;
  /** Aborted when the process is about to stop. */
  draining: AbortSignal;
  /** Aborted before the server closes. */
  stopping: AbortSignal;
  /** The simulated Resource Domain, if this process runs it. */
  resource: TryDeps['resource'];
}

/** The dependencies of every route. */
export function createRoutes(components: RouteParts, options: RouteOptions): HttpRoutes {
  const { config, streams } = components;
  const paying = createPaying(components);
  return {
    ...createOrderRoutes(components, paying),
    ...createInstanceRoutes(components, paying),
    ...createParkedRoutes(components, paying),
    ...createSaleRoutes(components, options.stopping),
    ...createOperatorRoutes(components, options),
    demo: wantsDemo(config) ? { feed: streams.streams, resource: options.resource } : undefined,
  };
}
