import type { ComponentType } from 'preact';
import type { Route } from './route.ts';

export type View = ComponentType<{ id: string; query: URLSearchParams }>;

/** In the order of the navigation. Each is a bundle of its own, which index.html has the browser fetch early. */
const bundles = {
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
} satisfies Record<string, () => Promise<{ show: (id: string | undefined) => View }>>;

export type ViewName = keyof typeof bundles;
export const viewNames = Object.keys(bundles) as ViewName[];

/** The others are one list: an address that names an item of them is of no page. */
const withItems: readonly string[] = ['instances', 'orders', 'parked'] satisfies ViewName[];

export function nameOf({ view, id }: Route): ViewName | 'missing' {
  const found = viewNames.find((name) => name === view) ?? 'missing';
  return id === undefined || withItems.includes(found) ? found : 'missing';
}

export async function findView(route: Route): Promise<View> {
  const name = nameOf(route);
  const { show } = await (name === 'missing' ? import('./views/missing.tsx') : bundles[name]());
  return show(route.id);
}
