import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bench } from '../bench.ts';
import type { PayJob, PayReport } from './pay-orders.ts';

export type PayAnswer = { readonly report: PayReport } | { readonly failed: string };

/** The process that makes the load; one for all runs, so that none of them pays for its warming up. */
export class Payer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(bench: Bench) {
    this.#child = fork(new URL('main.js', import.meta.url), []);
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error('the process that makes the load ended');
    });
    this.#ended.catch(() => {}); // it ends after the last job as well
    bench.cleanup.add(`process ${this.#child.pid} (load)`, async () => this.#child.kill());
  }

  async pay(job: PayJob): Promise<PayReport> {
    const answered = once(this.#child, 'message').then(([message]) => message as PayAnswer);
    this.#child.send(job);
    const answer = await Promise.race([answered, this.#ended]);
    if ('failed' in answer) throw new Error(`no load could be made: ${answer.failed}`);
    return answer.report;
  }
}
