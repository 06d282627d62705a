import type { FailedItem, Page, ParkedJob } from '../../api/answers.ts';
import { pause } from '../../lib/backoff.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { counted, type ListOptions, printList } from '../client/list-pages.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { printJson, printLine, printNotice, printProgress } from '../output/output.ts';
import { printFields, printTable, showTime } from '../output/table.ts';

type JobOptions = ApiOptions & { json?: boolean };

interface NewJobOptions extends JobOptions {
  because?: string;
  detach?: boolean;
}

const lookEveryMs = 500;
/** How long a Weir that does not answer is asked again: the job goes on without. */
const patienceMs = 60_000;
const failedShown = 20;
const progressWidth = 60;

/** Starts a job over what the filter matches and follows it to its end. */
export async function runJob(
  action: 'replay' | 'discard',
  filter: object,
  options: NewJobOptions,
): Promise<number> {
  const api = new Api(options);
  const { because } = options;
  const body = { action, filter, ...(because === undefined ? {} : { note: because }) };
  const started = await api.post<ParkedJob>('/v1/parked/jobs', body);
  if (options.detach) {
    if (options.json) printJson(started);
    else printLine(`Started job ${started.id}; weir parked jobs show ${started.id} shows its progress`);
    return exitCodes.ok;
  }
  const stop = new AbortController();
  const abort = () => stop.abort();
  // A second one ends the command at once.
  process.once('SIGINT', abort);
  const job = await follow(api, started, stop.signal).finally(() => process.off('SIGINT', abort));
  if (job.state === 'RUNNING') {
    printNotice(`Job ${job.id} continues; weir parked jobs abort ${job.id} ends it`);
    return exitCodes.interrupted;
  }
  if (options.json) printJson(job);
  else await describeEnd(api, job);
  return job.state === 'DONE' && job.failed === 0 ? exitCodes.ok : exitCodes.failed;
}

async function follow(api: Api, started: ParkedJob, signal: AbortSignal): Promise<ParkedJob> {
  let job = started;
  let answeredMs = performance.now();
  while (job.state === 'RUNNING' && !signal.aborted) {
    const of = job.matched === null ? '' : ` of ${job.matched}`;
    printProgress(`job ${job.id}: ${job.done + job.failed}${of}, ${job.failed} failed`.padEnd(progressWidth));
    await pause(lookEveryMs, signal);
    try {
      job = await api.get<ParkedJob>(`/v1/parked/jobs/${job.id}`);
      answeredMs = performance.now();
    } catch (error) {
      const isAway = error instanceof CliError && error.exitCode === exitCodes.unreachable;
      if (!isAway || performance.now() - answeredMs > patienceMs) throw error;
    }
  }
  printProgress(' '.repeat(progressWidth));
  printProgress('');
  return job;
}

const verbs = { replay: 'Replayed', discard: 'Discarded' } as const;

async function describeEnd(api: Api, job: ParkedJob): Promise<void> {
  const { id, action, state, matched, done, failed, skipped } = job;
  if (matched === 0) {
    printLine(`nothing to ${action}`);
    return;
  }
  const parts = [
    `${verbs[action]} ${done} of ${matched} items`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} were resolved by others`] : []),
    ...(state === 'ABORTED' ? [`aborted by ${job.endedBy}`] : []),
  ];
  printLine(`${parts.join(', ')} (job ${id})`);
  if (failed === 0) return;
  const path = `/v1/parked/jobs/${id}/results?limit=${failedShown}`;
  const { items, nextCursor } = await api.get<Page<FailedItem>>(path);
  printFailed(items);
  if (nextCursor) printLine(`There are more: weir parked jobs results ${id} --all`);
}

function printFailed(items: readonly FailedItem[]): void {
  printTable(
    ['ID', 'REASON', { title: 'DETAIL', isProse: true }],
    items.map(({ id, code, detail }) => [id, code, detail]),
  );
}

export function listJobs(options: ListOptions & { state?: string }): Promise<number> {
  return printList<ParkedJob>('/v1/parked/jobs', { state: options.state }, options, (items) => {
    if (items.length === 0) {
      printLine('no jobs');
      return;
    }
    printTable(
      [
        'JOB',
        'ACTION',
        'STATE',
        'DONE',
        'FAILED',
        { title: 'MATCHED', rank: 1 },
        { title: 'STARTED', rank: 2 },
        { title: 'BY', rank: 3, isProse: true },
        { title: 'FILTER', rank: 4, isProse: true },
        { title: 'NOTE', rank: 5, isProse: true },
      ],
      items.map((job) => [
        ...[job.id, job.action, job.state, `${job.done}`, `${job.failed}`, `${job.matched ?? '-'}`],
        ...[showTime(job.createdAt), job.createdBy, describeFilter(job.filter), job.note ?? ''],
      ]),
    );
  });
}

function describeFilter(filter: ParkedJob['filter']): string {
  const parts = Object.entries(filter).map(([name, value]) => `${name}=${value}`);
  return parts.length === 0 ? 'all' : parts.join(' ');
}

export async function showJob(id: string, options: JobOptions): Promise<number> {
  return printJob(await new Api(options).get<ParkedJob>(pathOf(id)), options);
}

export async function abortJob(id: string, options: JobOptions): Promise<number> {
  const job = await new Api(options).post<ParkedJob>(`${pathOf(id)}/abort`);
  if (options.json) printJson(job);
  else printLine(`Aborted job ${id}: ${job.done} items are done, ${job.failed} failed`);
  return exitCodes.ok;
}

export function listResults(id: string, options: ListOptions): Promise<number> {
  return printList<FailedItem>(`${pathOf(id)}/results`, counted, options, (items) => {
    if (items.length === 0) printLine('no item failed');
    else printFailed(items);
  });
}

function printJob(job: ParkedJob, { json }: JobOptions): number {
  if (json) printJson(job);
  else {
    const fields = Object.entries({ ...job, filter: describeFilter(job.filter) });
    printFields(fields.map(([name, value]) => [name, String(value ?? '')]));
  }
  return exitCodes.ok;
}

function pathOf(id: string): string {
  return `/v1/parked/jobs/${encodeURIComponent(id)}`;
}
