import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bench } from '../bench.ts';
import type { PostJob, PostReport } from './post-requests.ts';

export type LoadAnswer<Report> = { readonly report: Report } | { readonly failed: string };

/** A process that does one job at a time; one for all runs, so that none of them includes its warm-up. */
export class LoadProcess<Job extends object, Report> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(bench: Bench, program: URL) {
    this.#child = fork(program, []);
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error('the process that makes the load ended');
    });
    this.#ended.catch(() => {}); // it ends after the last job as well
    bench.cleanup.add(`process ${this.#child.pid} (load)`, async () => this.#child.kill());
  }

  async post(job: Job): Promise<Report> {
    const answered = once(this.#child, 'message').then(([message]) => message as LoadAnswer<Report>);
    this.#child.send(job);
    const answer = await Promise.race([answered, this.#ended]);
    if ('failed' in answer) throw new Error(`no load could be made: ${answer.failed}`);
    return answer.report;
  }
}

/** Sends as many requests as the server accepts. */
export class Load extends LoadProcess<PostJob, PostReport> {
  constructor(bench: Bench) {
    super(bench, new URL('main.js', import.meta.url));
  }
}
