import type { TelemetryEvent } from '../events.ts';

/** What a part of the metrics does with each kind of event that concerns it. */
export type Measures = {
  [Type in TelemetryEvent['type']]?: (event: Extract<TelemetryEvent, { type: Type }>) => void;
};

/** For what takes milliseconds when all is well. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
