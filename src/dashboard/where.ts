import { signal } from '@preact/signals';
import { readRoute, writeRoute } from './route.ts';

/** Where this browser is, as the address says. */
export const where = signal(readRoute(location.hash));

export function goTo(...place: Parameters<typeof writeRoute>): void {
  location.hash = writeRoute(...place);
}
