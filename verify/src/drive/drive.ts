import type { Operation } from '../history/operation.ts';
import { pause } from '../pause.ts';
import type { Plan } from './plan.ts';
import type { Traffic } from './traffic.ts';

export interface DriveDeps {
  traffic: Traffic;
  plan: Pick<Plan, 'rate' | 'count'>;
  /** Purchases that were sent before. */
  probed: number;
  perform: (operation: Operation) => Promise<void>;
  atHalfTime: (() => Promise<void>) | undefined;
  onProgress: (sent: number) => void;
  signal: AbortSignal | undefined;
}

/** In an outage callers wait; as many more would only prove that this program has memory. */
const maxInFlight = 500;

/**
 * Sends `count` purchases at an even rate, and goes on while the hook of half time is running.
 *
 * @returns the purchases that have no answer yet
 * @throws what the hook throws
 */
export async function drive(deps: DriveDeps): Promise<ReadonlySet<Promise<void>>> {
  const { traffic, plan, signal } = deps;
  const inFlight = new Set<Promise<void>>();
  const halfTime = new HalfTime(deps.atHalfTime);
  const startedAtMs = performance.now();
  for (let sent = deps.probed; !signal?.aborted && (sent < plan.count || halfTime.isRunning); sent++) {
    if (sent >= plan.count / 2) halfTime.begin();
    await pause(startedAtMs + ((sent - deps.probed) * 1000) / plan.rate - performance.now(), signal);
    while (inFlight.size >= maxInFlight && !signal?.aborted) await pause(20, signal);
    const performed = deps.perform(traffic.next());
    inFlight.add(performed);
    performed.finally(() => inFlight.delete(performed));
    deps.onProgress(sent + 1);
  }
  halfTime.begin();
  await halfTime.end();
  return inFlight;
}

/** The hook, begun once. */
class HalfTime {
  readonly #hook: (() => Promise<void>) | undefined;
  #running: Promise<void> | undefined;
  isRunning = false;

  constructor(hook: (() => Promise<void>) | undefined) {
    this.#hook = hook;
  }

  begin(): void {
    if (!this.#hook || this.#running) return;
    this.isRunning = true;
    this.#running = this.#hook().finally(() => {
      this.isRunning = false;
    });
    // Awaited by end(); it may reject long before.
    this.#running.catch(() => {});
  }

  async end(): Promise<void> {
    await this.#running;
  }
}
