import type { InstanceStory } from '../../api/answers.ts';
import { backoffMs, pause } from '../../lib/backoff.ts';
import type { Api } from '../client/api.ts';
import { Latencies } from './latencies.ts';
import type { Accepted } from './send-purchases.ts';

/** The steps of an accepted purchase, in order; each in ms from the purchase, by the clocks of the stores. */
export const steps = ['created', 'published', 'settled'] as const;
export type Step = (typeof steps)[number];

export interface Followed {
  /** Purchases that were followed. */
  count: number;
  steps: Record<Step, Latencies>;
  /** Purchases without an instance at the end of the wait. */
  unfinished: number;
  /** The unfinished ones by state, such as PARKED, or by the status of the answer. */
  unfinishedBy: Record<string, number>;
}

const atOnce = 8;
const firstPollMs = 100;
const maxPollMs = 2_000;

/** Polls until each purchase has its result or `waitMs` have passed. Each is requested at least once. */
export async function followPurchases(
  api: Pick<Api, 'send'>,
  accepted: readonly Accepted[],
  waitMs: number,
  signal: AbortSignal,
): Promise<Followed> {
  const followed: Followed = {
    count: accepted.length,
    steps: { created: new Latencies(), published: new Latencies(), settled: new Latencies() },
    unfinished: 0,
    unfinishedBy: {},
  };
  const deadline = performance.now() + waitMs;
  const purchases = accepted
    .map((purchase) => new FollowedPurchase(purchase))
    .sort((a, b) => Number(a.isCreated) - Number(b.isCreated));
  const isOver = () => signal.aborted || performance.now() >= deadline;
  for (let pass = 1; ; pass++) {
    const waiting = purchases.filter(({ isSettled }) => !isSettled);
    if (waiting.length === 0 || isOver()) break;
    const askOneByOne = async () => {
      for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
        if (isOver() && (pass > 1 || next.isCreated)) break;
        await next.ask(api);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, askOneByOne));
    await pause(backoffMs(pass, { firstMs: firstPollMs, maxMs: maxPollMs }), signal);
  }
  for (const { story, state, isCreated } of purchases) {
    if (story) addTimes(followed.steps, story);
    if (isCreated) continue;
    followed.unfinished++;
    followed.unfinishedBy[state] = (followed.unfinishedBy[state] ?? 0) + 1;
  }
  return followed;
}

class FollowedPurchase {
  story: InstanceStory | undefined;
  state = 'WAITING';
  #instanceId: string | undefined;
  readonly #purchase: Accepted;

  constructor(purchase: Accepted) {
    this.#purchase = purchase;
    if ('instanceId' in purchase) this.#instanceId = purchase.instanceId;
  }

  get isCreated(): boolean {
    return this.#instanceId !== undefined;
  }

  get isSettled(): boolean {
    return this.story !== undefined && this.story.status !== 'PROCESSING';
  }

  async ask(api: Pick<Api, 'send'>): Promise<void> {
    if (!this.#instanceId && 'purchase' in this.#purchase) {
      const body = await this.#get<{ state: string; instance?: { instanceId: string } }>(
        api,
        this.#purchase.purchase,
      );
      if (body) this.state = body.state;
      this.#instanceId = body?.instance?.instanceId;
    }
    if (!this.#instanceId) return;
    this.story = (await this.#get<InstanceStory>(api, `/v1/instances/${this.#instanceId}`)) ?? this.story;
  }

  async #get<T>(api: Pick<Api, 'send'>, path: string): Promise<T | undefined> {
    try {
      const { status, body } = await api.send<T>('GET', path);
      if (status === 200) return body;
      this.state = `status ${status}`;
    } catch {
      this.state = 'no answer';
    }
    return undefined;
  }
}

function addTimes(latencies: Record<Step, Latencies>, { createdAt, timeline }: InstanceStory): void {
  const timeOf = (step: string) => {
    const at = timeline.find((entry) => entry.step === step)?.at;
    return at === undefined ? undefined : Date.parse(at);
  };
  // An order is created long before it is paid.
  const since = timeOf('PAID') ?? timeOf('ASKED') ?? Date.parse(createdAt);
  for (const step of steps) {
    const at = timeOf(step.toUpperCase());
    if (at !== undefined) latencies[step].add(Math.max(0, at - since));
  }
}
