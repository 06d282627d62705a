import { Latencies, type LatencySummary } from './latencies.ts';

/** `status` 0: no answer; `code` is the reason. */
interface Answered {
  status: number;
  code?: string | undefined;
}

interface Counts {
  sent: number;
  /** 2xx. */
  accepted: number;
  /** Decisions of a sale, such as SOLD_OUT, which are not errors. */
  refused: number;
  errors: number;
  /** Arrivals that were due while too many requests were in flight. */
  dropped: number;
}

export interface RequestFigures extends Counts {
  /** By status and code, such as `409 SOLD_OUT`. */
  answers: Record<string, number>;
  /** From the planned start to the answer; absent when nothing was answered. */
  latency?: LatencySummary;
}

export interface SecondFigures extends Omit<Counts, 'accepted'> {
  /** Seconds from the start. */
  second: number;
  answered: number;
  p50Ms?: number;
  p99Ms?: number;
  maxMs?: number;
}

const createCounts = (): Counts => ({ sent: 0, accepted: 0, refused: 0, errors: 0, dropped: 0 });

class Row {
  readonly counts = createCounts();
  readonly answers = new Map<string, number>();
  readonly latencies = new Latencies();
}

/** Counts requests and answers: by kind of request, in total, and by second of the answer. */
export class LoadTally {
  readonly #rows = new Map<string, Row>();
  readonly #all = new Row();
  readonly #seconds: SecondFigures[] = [];
  readonly #current = { counts: createCounts(), latencies: new Latencies(), second: 0 };

  sent(request: string, atMs: number): void {
    this.#count(request, atMs, (counts) => counts.sent++);
  }

  dropped(request: string, atMs: number): void {
    this.#count(request, atMs, (counts) => counts.dropped++);
  }

  /** @param atMs from the start of the run */
  answered(request: string, answer: Answered, latencyMs: number, atMs: number): void {
    const outcome = classify(request, answer);
    const rows = this.#count(request, atMs, (counts) => counts[outcome]++);
    const text = describeAnswer(answer);
    // A refused connection takes no time at all; an abandoned request had waited.
    const counts = answer.status > 0 || answer.code === 'TIMEOUT';
    for (const { answers, latencies } of rows) {
      answers.set(text, (answers.get(text) ?? 0) + 1);
      if (counts) latencies.add(latencyMs);
    }
    if (counts) this.#current.latencies.add(latencyMs);
  }

  /** @param request its kind; undefined: all */
  figures(request?: string): RequestFigures {
    const { counts, answers, latencies } = this.#find(request);
    const latency = latencies.summarize();
    return { ...counts, answers: Object.fromEntries(answers), ...(latency && { latency }) };
  }

  latencies(request?: string): Latencies {
    return this.#find(request).latencies;
  }

  /** Kinds of requests, in the order in which they were first sent. */
  get requests(): string[] {
    return [...this.#rows.keys()];
  }

  /** The complete seconds so far, and the current one. */
  get series(): SecondFigures[] {
    return [...this.#seconds, this.#closeSecond()];
  }

  #count(request: string, atMs: number, change: (counts: Counts) => void): Row[] {
    this.#turnTo(Math.max(0, Math.floor(atMs / 1000)));
    const row = this.#rows.get(request) ?? new Row();
    this.#rows.set(request, row);
    const rows = [row, this.#all];
    for (const { counts } of rows) change(counts);
    change(this.#current.counts);
    return rows;
  }

  #find(request: string | undefined): Row {
    return (request === undefined ? this.#all : this.#rows.get(request)) ?? new Row();
  }

  #turnTo(second: number): void {
    const current = this.#current;
    while (current.second < second) {
      this.#seconds.push(this.#closeSecond());
      current.latencies.clear();
      current.counts = createCounts();
      current.second++;
    }
  }

  #closeSecond(): SecondFigures {
    const { second, latencies, counts } = this.#current;
    const { sent, accepted, refused, errors, dropped } = counts;
    const [p50Ms, p99Ms, maxMs] = [50, 99, 100].map((percent) => latencies.at(percent));
    const measured = p50Ms !== undefined && p99Ms !== undefined && maxMs !== undefined;
    const answered = accepted + refused + errors;
    return {
      ...{ second, sent, answered, refused, errors, dropped },
      ...(measured && { p50Ms, p99Ms, maxMs }),
    };
  }
}

function classify(request: string, { status }: Answered): 'accepted' | 'refused' | 'errors' {
  if (status >= 200 && status < 300) return 'accepted';
  return request === 'buy' && status === 409 ? 'refused' : 'errors';
}

function describeAnswer({ status, code }: Answered): string {
  return status === 0 ? `no answer${code ? ` ${code}` : ''}` : `${status}${code ? ` ${code}` : ''}`;
}
