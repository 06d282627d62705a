import type { Emit } from '../ops/telemetry/events.ts';

/** `store`: the store, or the part that waits for one. `attempt`: of consecutive ones. */
export function reportFailure(emit: Emit, store: string): (error: unknown, attempt: number) => void {
  return (error, attempt) => emit({ type: 'store failed', store, error, attempt });
}
