/** Time as an argument: tests pass a clock that jumps, stops and runs backwards. */
export interface Clock {
  /** Wall time, milliseconds since 1970; may jump either way. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
