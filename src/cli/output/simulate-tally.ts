import { printLine } from './output.ts';
import { printTable } from './table.ts';

/** `status` 0: no answer. For the stream 202 for each entry that it took. */
export interface Answered {
  status: number;
  code?: string | undefined;
}

/** What became of the purchases of one source. */
export interface SimulateOutcome {
  source: string;
  sent: number;
  accepted: number;
  /** By HTTP status. */
  answers: Record<string, number>;
  /** By the problem's code. */
  refused: Record<string, number>;
  instances: number;
  p50Ms: number;
  p99Ms: number;
}

export class SimulateTally {
  accepted = 0;
  readonly #answers = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #latenciesMs: number[] = [];

  add({ status, code }: Answered, latencyMs: number): void {
    this.#latenciesMs.push(latencyMs);
    countOne(this.#answers, `${status}`);
    if (status >= 200 && status < 300) this.accepted++;
    else countOne(this.#refused, code ?? (status === 0 ? 'no answer' : `status ${status}`));
  }

  /** `instances`: how many more the source has than before. */
  toOutcome(source: string, instances: number): SimulateOutcome {
    return {
      source,
      sent: this.#latenciesMs.length,
      accepted: this.accepted,
      answers: Object.fromEntries(this.#answers),
      refused: Object.fromEntries(this.#refused),
      instances,
      p50Ms: percentile(this.#latenciesMs, 0.5),
      p99Ms: percentile(this.#latenciesMs, 0.99),
    };
  }
}

/** Everything that was sent was accepted, and everything accepted became an instance. */
export function isComplete({ sent, accepted, instances }: SimulateOutcome): boolean {
  return accepted === sent && instances >= accepted;
}

export function printOutcomes(outcomes: readonly SimulateOutcome[]): void {
  printTable(
    [
      ...['SOURCE', 'SENT', 'ACCEPTED', 'INSTANCES'],
      { title: 'P50 MS', rank: 1 },
      { title: 'P99 MS', rank: 2 },
      { title: 'ANSWERS', isProse: true },
    ],
    outcomes.map((row) => [
      row.source,
      `${row.sent}`,
      `${row.accepted}`,
      `${row.instances}`,
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      Object.entries(row.answers)
        .map(([status, count]) => `${status === '0' ? 'no answer' : status}: ${count}`)
        .join(', '),
    ]),
  );
  for (const { source, refused } of outcomes) {
    const counts = Object.entries(refused).map(([code, count]) => `${count} ${code}`);
    if (counts.length > 0) printLine(`${source}: refused ${counts.join(', ')}`);
  }
  for (const { source, accepted, instances } of outcomes) {
    if (instances >= accepted) continue;
    const missing = accepted - instances;
    printLine(`${source}: ${missing} accepted and no instance yet: weir parked list, weir top`);
  }
}

function countOne(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
