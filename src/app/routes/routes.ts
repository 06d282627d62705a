import type { TryDeps } from '../../adapters/http/routes/try.ts';
import type { HttpRoutes } from '../../adapters/http/server.ts';
import type { KeyRing } from '../../ops/access/key-ring.ts';
import { createPaying, type PayingParts } from '../paying.ts';
import { wantsDemo } from '../stores.ts';
import { createInstanceRoutes, type InstanceParts } from './instances.ts';
import { createOperatorRoutes, type OperatorParts } from './operators.ts';
import { createOrderRoutes, type OrderParts } from './orders.ts';
import { createParkedRoutes, type ParkedParts } from './parked.ts';
import { createSaleRoutes, type SaleParts } from './sale.ts';

/** What the routes are built from; each group receives its part. */
export type RouteParts = PayingParts & OrderParts & InstanceParts & ParkedParts & SaleParts & OperatorParts;

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
