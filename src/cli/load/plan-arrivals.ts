import type { LoadShape } from './read-stages.ts';

/** Rounding must not add an arrival at the very end. */
const tolerance = 1e-9;

/**
 * When each arrival is due, in ms from the start. The rate within a stage is r0 + (r1 - r0) t / T, so by t
 * there are r0 t + (r1 - r0) t² / 2T arrivals; this is solved for t.
 *
 * @param step the distance between arrivals, in expected arrivals: a constant 1 makes them even, exponential
 * values of mean 1 make them a Poisson process of the same rate
 */
export function* planArrivals({ startRate, stages }: LoadShape, step: () => number = () => 1) {
  let [rate, startMs, before] = [startRate, 0, 0];
  // Even arrivals begin immediately, random ones after the first interval.
  let due = step() - 1;
  for (const stage of stages) {
    const seconds = stage.durationMs / 1000;
    const total = ((rate + stage.rate) / 2) * seconds;
    for (; due - before < total - tolerance; due += step()) {
      yield startMs + 1000 * solve(due - before, rate, (stage.rate - rate) / seconds);
    }
    [rate, startMs, before] = [stage.rate, startMs + stage.durationMs, before + total];
  }
}

/** This form avoids cancellation, even when the rate does not change. */
function solve(count: number, rate: number, slope: number): number {
  if (count <= 0) return 0;
  return (2 * count) / (rate + Math.sqrt(Math.max(0, rate * rate + 2 * slope * count)));
}

export function countArrivals({ startRate, stages }: LoadShape): number {
  let rate = startRate;
  return stages.reduce((sum, stage) => {
    const total = (((rate + stage.rate) / 2) * stage.durationMs) / 1000;
    rate = stage.rate;
    return sum + total;
  }, 0);
}

/** An exponential variable of mean 1. */
export function randomStep(random = Math.random): number {
  return -Math.log(1 - random());
}
