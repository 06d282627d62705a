import type { Instance, InstanceStory } from '../../api/answers.ts';
import { describeStatement } from '../../api/describe.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { counted, type ListOptions, printList } from '../client/list-pages.ts';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { printFields, printTable, showTime } from '../output/table.ts';
import { readTime } from './read-time.ts';

interface InstanceFilterOptions extends ListOptions {
  source?: string;
  sourceId?: string;
  product?: string;
  user?: string;
  status?: string;
  overdue?: true;
  from?: string;
  to?: string;
}

export function listInstances(options: InstanceFilterOptions): Promise<number> {
  return printInstances(options, undefined);
}

/** `id`: any of the ids of an instance. */
export function searchInstances(id: string, options: InstanceFilterOptions): Promise<number> {
  return printInstances(options, id);
}

function printInstances(options: InstanceFilterOptions, q: string | undefined): Promise<number> {
  const query = {
    ...counted,
    q,
    source: options.source,
    sourceId: options.sourceId,
    productId: options.product,
    userId: options.user,
    status: options.status,
    overdue: options.overdue && 'true',
    from: options.from && readTime('--from', options.from),
    to: options.to && readTime('--to', options.to),
  };
  return printList<Instance>('/v1/instances', query, options, (items) => {
    if (items.length === 0) printLine('no instances');
    else printInstanceTable(items);
  });
}

function printInstanceTable(items: readonly Instance[]): void {
  const hasReasons = items.some(({ reason }) => reason !== undefined);
  printTable(
    [
      'INSTANCE',
      'STATUS',
      { title: 'SOURCE', rank: 1 },
      { title: 'SOURCE ID', rank: 2 },
      { title: 'PRODUCT', rank: 5 },
      { title: 'USER', rank: 4 },
      { title: 'CREATED', rank: 3 },
      ...(hasReasons ? [{ title: 'REASON', isProse: true }] : []),
    ],
    items.map((item) => [
      item.instanceId,
      item.status,
      item.source,
      item.sourceId,
      item.productId,
      item.userId,
      showTime(item.createdAt),
      ...(hasReasons ? [item.reason ?? ''] : []),
    ]),
  );
}

export async function showInstance(
  instanceId: string,
  options: ApiOptions & { json?: boolean },
): Promise<number> {
  const instance = await new Api(options).get<InstanceStory>(
    `/v1/instances/${encodeURIComponent(instanceId)}`,
  );
  if (options.json) {
    printJson(instance);
    return exitCodes.ok;
  }
  const { timeline, ...row } = instance;
  printFields(Object.entries(row).map(([name, value]) => [name, String(value)]));
  printLine();
  printTable(
    ['AT', 'STEP', { title: 'DETAIL', isProse: true }, { title: 'BY', rank: 1 }],
    timeline.map(({ at, step, detail, by }) => [
      at,
      step,
      detail ? describeStatement(detail) : '',
      describeStatement(by),
    ]),
    { whole: true },
  );
  return exitCodes.ok;
}

interface NewInstanceOptions {
  source: string;
  sourceId: string;
  product: string;
  user: string;
}

export async function createInstance(
  options: ApiOptions & NewInstanceOptions & { json?: boolean },
): Promise<number> {
  const { source, sourceId, product, user } = options;
  const purchase = { source, sourceId, productId: product, userId: user };
  const instance = await new Api(options).post<Instance>('/v1/instances', purchase);
  if (options.json) printJson(instance);
  else printLine(`Created instance ${instance.instanceId}`);
  return exitCodes.ok;
}

export async function releaseInstance(
  instanceId: string,
  options: ApiOptions & { json?: boolean },
): Promise<number> {
  const instance = await new Api(options).post<Instance>(
    `/v1/instances/${encodeURIComponent(instanceId)}/release`,
  );
  if (options.json) printJson(instance);
  else printLine(`Requested the release of instance ${instance.instanceId}`);
  return exitCodes.ok;
}

export async function retryInstance(
  instanceId: string,
  options: ApiOptions & { json?: boolean },
): Promise<number> {
  const instance = await new Api(options).post<Instance>(
    `/v1/instances/${encodeURIComponent(instanceId)}/retry`,
  );
  if (options.json) printJson(instance);
  else printLine(`Published the event of instance ${instance.instanceId} again`);
  return exitCodes.ok;
}
