import type { Route } from '../route.ts';

/**
 * Fills `place` and keeps it up to date until `signal` aborts. What it resolves with does not matter: it is waited for a
 * moment, so that a view appears with its data where that comes quickly.
 */
export type View = (place: HTMLElement, route: Route, signal: AbortSignal) => Promise<unknown> | undefined;
