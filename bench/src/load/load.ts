import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bench } from '../bench.ts';
import type { PostJob, PostReport } from './post-requests.ts';

export type LoadAnswer = { readonly report: PostReport } | { readonly failed: string };

/** The process that makes the load; one for all runs, so that none of them pays for its warming up. */
export class Load {
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

  async post(job: PostJob): Promise<PostReport> {
    const answered = once(this.#child, 'message').then(([message]) => message as LoadAnswer);
    this.#child.send(job);
    const answer = await Promise.race([answered, this.#ended]);
    if ('failed' in answer) throw new Error(`no load could be made: ${answer.failed}`);
    return answer.report;
  }
}
