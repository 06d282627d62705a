import type { Route } from './route.ts';
import type { View } from './views/view.ts';

/** In the order of the navigation. */
export const viewNames = ['now', 'instances', 'sales', 'parked', 'trend', 'audit', 'try'] as const;

export function nameOf({ view }: Route, isTryOn: boolean): (typeof viewNames)[number] | 'missing' {
  return viewNames.find((name) => name === view && (name !== 'try' || isTryOn)) ?? 'missing';
}

/** Each view is loaded when it is first shown. */
export async function findView({ view, id }: Route, isTryOn: boolean): Promise<View> {
  switch (view) {
    case 'now':
      return (await import('./views/now.ts')).showNow;
    case 'instances':
      return id === undefined
        ? (await import('./views/instances.ts')).showInstances
        : (await import('./views/instance.ts')).showInstance;
    case 'sales':
      return (await import('./views/sales.ts')).showSales;
    case 'parked':
      return id === undefined
        ? (await import('./views/parked.ts')).showParked
        : (await import('./views/parked-item.ts')).showParkedItem;
    case 'trend':
      return (await import('./views/trend.ts')).showTrend;
    case 'audit':
      return (await import('./views/audit.ts')).showAudit;
    case 'try':
      if (isTryOn) return (await import('./views/try.ts')).showTry;
  }
  return (await import('./views/missing.ts')).showMissing;
}
