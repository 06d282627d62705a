import type { LoadAnswer } from './load.ts';

/** The other end of a LoadProcess. */
export function serveJobs<Job, Report>(run: (job: Job) => Promise<Report>): void {
  process.on('disconnect', () => process.exit(1)); // the bench has ended
  process.on('message', (job: Job) => {
    run(job).then(
      (report) => process.send?.({ report } satisfies LoadAnswer<Report>),
      (error) => process.send?.({ failed: String(error) } satisfies LoadAnswer<Report>),
    );
  });
}
