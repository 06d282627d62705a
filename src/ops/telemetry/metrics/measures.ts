import type { TelemetryEvent } from '../events.ts';

/** Handlers of one metrics part, by event type. */
export type Measures = {
  [Type in TelemetryEvent['type']]?: (event: Extract<TelemetryEvent, { type: Type }>) => void;
};

/** For operations that normally take milliseconds. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
