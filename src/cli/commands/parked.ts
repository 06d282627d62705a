import type { Parked, ParkedItem, Replayed } from '../../api/answers.ts';
import { describeStatement } from '../../api/describe.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { counted, type ListOptions, printList } from '../client/list-pages.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { printFields, printTable, showTime } from '../output/table.ts';
import { runJob } from './parked-jobs.ts';

interface ParkedFilterOptions extends ApiOptions {
  json?: boolean;
  reason?: string;
  origin?: string;
  source?: string;
  scope?: string;
  sourceId?: string;
  state?: string;
}

export function listParked(options: ParkedFilterOptions & ListOptions): Promise<number> {
  return printList<Parked>('/v1/parked', { ...filterOf(options), ...counted }, options, (items) => {
    if (items.length === 0) {
      printLine('nothing is parked');
      return;
    }
    printTable(
      [
        'ID',
        { title: 'STATE', rank: 2 },
        'REASON',
        { title: 'FROM', rank: 3 },
        { title: 'SOURCE ID', rank: 1 },
        { title: 'PARKED', rank: 4 },
        { title: 'DETAIL', isProse: true },
      ],
      items.map((item) => [
        item.id,
        item.state,
        item.reason,
        item.scope || item.origin,
        item.sourceId,
        showTime(item.parkedAt),
        item.resolution ? describeStatement(item.resolution) : item.detail,
      ]),
    );
    for (const { reason, advice, docs } of new Map(items.map((item) => [item.reason, item])).values()) {
      printLine(`${reason}: ${advice} More: ${docs}`);
    }
  });
}

function filterOf({ reason, origin, source, scope, sourceId, state }: ParkedFilterOptions) {
  return { reason, origin, source, scope, sourceId, state };
}

export async function showParked(id: string, options: ApiOptions & { json?: boolean }): Promise<number> {
  const item = await new Api(options).get<ParkedItem>(`/v1/parked/${encodeURIComponent(id)}`);
  if (options.json) {
    printJson(item);
    return exitCodes.ok;
  }
  // The bytes in base64 are for programs: after what people can read.
  const { original, resolution, params: _, ...readable } = item;
  const resolved = resolution && describeStatement(resolution);
  const fields = Object.entries({ ...readable, resolution: resolved, original });
  printFields(fields.map(([name, value]) => [name, String(value ?? '')]));
  return exitCodes.ok;
}

interface ResolveOptions extends ParkedFilterOptions {
  /** Everything that the filters let through, as a job. */
  all?: boolean;
  /** Do not wait for the end of that job. */
  detach?: boolean;
  because?: string;
}

export async function replayParked(
  ids: readonly string[],
  options: ResolveOptions & { user?: string; acceptAmount?: true },
): Promise<number> {
  const { user, acceptAmount } = options;
  if (user === undefined && !acceptAmount) return resolveMany(ids, options, 'replay', {});
  const [id] = ids;
  if (id === undefined || ids.length > 1 || options.all) {
    throw new CliError(exitCodes.usage, '--user and --accept-amount require the id of one item');
  }
  const body = { ...(user === undefined ? {} : { userId: user }), ...(acceptAmount ? { acceptAmount } : {}) };
  const path = `/v1/parked/${encodeURIComponent(id)}/replay`;
  return printOutcomes([await new Api(options).post<Replayed>(path, body)], options);
}

/** `because`: the reason that is kept; `reason` is the filter. */
export function discardParked(
  ids: readonly string[],
  options: ResolveOptions & { because: string },
): Promise<number> {
  return resolveMany(ids, options, 'discard', { reason: options.because });
}

const idsPerRequest = 100;

/** Ends with code 1 when one of them is not dealt with, and with the one for no such thing when that is all there is. */
async function resolveMany(
  ids: readonly string[],
  options: ResolveOptions,
  action: 'replay' | 'discard',
  body: object,
): Promise<number> {
  if (ids.length > 0 && options.all) {
    throw new CliError(exitCodes.usage, `specify the items to ${action} or --all, not both`);
  }
  if (ids.length === 0 && !options.all) {
    throw new CliError(
      exitCodes.usage,
      `name the items to ${action}, or say --all, with a filter or without`,
    );
  }
  if (options.all) return runJob(action, filterOf(options), options);
  const api = new Api(options);
  const outcomes: Replayed[] = [];
  for (let from = 0; from < ids.length; from += idsPerRequest) {
    const part = ids.slice(from, from + idsPerRequest);
    const { items } = await api.post<{ items: Replayed[] }>(`/v1/parked/${action}`, { ids: part, ...body });
    outcomes.push(...items);
  }
  return printOutcomes(outcomes, options);
}

function printOutcomes(outcomes: readonly Replayed[], options: ResolveOptions): number {
  if (options.json) printJson({ items: outcomes });
  else
    printTable(
      ['ID', 'STATE', { title: 'WHAT BECAME OF IT', isProse: true }],
      outcomes.map((outcome) => [outcome.id, outcome.state ?? outcome.code, describeOutcome(outcome)]),
      { whole: true },
    );
  const left = outcomes.filter(({ state }) => state !== 'REPLAYED' && state !== 'DISCARDED');
  if (left.length === 0) return exitCodes.ok;
  return left.every(({ code }) => code === 'PARKED_NOT_FOUND') ? exitCodes.notFound : exitCodes.failed;
}

/** The detail of an item that stays parked, or could not be handled, is the reason. */
function describeOutcome({ state, code, params, detail }: Replayed): string {
  if (detail === undefined) return describeStatement({ code, params });
  return state === null ? detail : `${code}: ${detail}`;
}
