import type { ComponentType } from 'preact';
import type { Route } from './route.ts';

export type View = ComponentType<{ id: string; query: URLSearchParams }>;

/** In the order of the navigation. */
export const viewNames = [
  'now',
  'instances',
  'orders',
  'refunds',
  'sales',
  'products',
  'parked',
  'activity',
  'trend',
  'audit',
  'try',
] as const;
export type ViewName = (typeof viewNames)[number];

export function nameOf({ view }: Route): ViewName | 'missing' {
  return viewNames.find((name) => name === view) ?? 'missing';
}

/** Each is a bundle of its own, which index.html has the browser fetch early. */
const bundles: Record<ViewName | 'missing', () => Promise<{ show: (id: string | undefined) => View }>> = {
  now: () => import('./views/now.tsx'),
  instances: () => import('./views/instances.tsx'),
  orders: () => import('./views/orders.tsx'),
  refunds: () => import('./views/refunds.tsx'),
  sales: () => import('./views/sales.tsx'),
  products: () => import('./views/products.tsx'),
  parked: () => import('./views/parked.tsx'),
  activity: () => import('./views/activity.tsx'),
  trend: () => import('./views/trend.tsx'),
  audit: () => import('./views/audit.tsx'),
  try: () => import('./views/try.tsx'),
  missing: () => import('./views/missing.tsx'),
};

export async function findView(route: Route): Promise<View> {
  return (await bundles[nameOf(route)]()).show(route.id);
}
