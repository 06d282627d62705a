import { Api, type ApiOptions } from './api.ts';
import { exitCodes } from './exit-codes.ts';
import { printJson, printTable } from './table.ts';

interface Instance {
  instanceId: string;
  productId: string;
  userId: string;
  source: string;
  sourceId: string;
  scope: string;
  status: string;
  createdAt: string;
}

export interface ListOptions extends ApiOptions {
  json?: boolean;
  limit: string;
  source?: string;
  sourceId?: string;
  product?: string;
  user?: string;
  status?: string;
}

export async function listInstances(options: ListOptions): Promise<number> {
  const query = new URLSearchParams({ limit: options.limit });
  const filters = {
    source: options.source,
    sourceId: options.sourceId,
    productId: options.product,
    userId: options.user,
    status: options.status,
  };
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
  const page = await new Api(options).get<{ items: Instance[]; nextCursor: string | null }>(
    `/v1/instances?${query}`,
  );
  if (options.json) printJson(page);
  else if (page.items.length === 0) process.stdout.write('no instances\n');
  else {
    printTable(
      ['INSTANCE', 'STATUS', 'SOURCE', 'SOURCE ID', 'PRODUCT', 'USER', 'CREATED'],
      page.items.map((item) => [
        item.instanceId,
        item.status,
        item.source,
        item.sourceId,
        item.productId,
        item.userId,
        item.createdAt,
      ]),
    );
  }
  return exitCodes.ok;
}

interface Timeline extends Instance {
  timeline: { at: string; step: string; detail: string; by: string }[];
}

export async function showInstance(
  instanceId: string,
  options: ApiOptions & { json?: boolean },
): Promise<number> {
  const instance = await new Api(options).get<Timeline>(`/v1/instances/${encodeURIComponent(instanceId)}`);
  if (options.json) {
    printJson(instance);
    return exitCodes.ok;
  }
  const { timeline, ...row } = instance;
  printTable([], Object.entries(row));
  process.stdout.write('\n');
  printTable(
    ['AT', 'STEP', 'DETAIL', 'BY'],
    timeline.map(({ at, step, detail, by }) => [at, step, detail, by]),
  );
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
  else process.stdout.write(`instance ${instance.instanceId} is announced once more\n`);
  return exitCodes.ok;
}
