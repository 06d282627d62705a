import { Api, type ApiOptions } from './api.ts';
import { exitCodes } from './exit-codes.ts';
import { printJson, printTable } from './table.ts';

interface Parked {
  id: string;
  reason: string;
  detail: string;
  origin: string;
  scope: string;
  sourceId: string;
  parkedAt: string;
  advice: string;
}

export async function listParked(options: ApiOptions & { json?: boolean; limit: string }): Promise<number> {
  const page = await new Api(options).get<{ items: Parked[] }>(
    `/v1/parked?limit=${encodeURIComponent(options.limit)}`,
  );
  if (options.json) printJson(page);
  else if (page.items.length === 0) process.stdout.write('nothing is parked\n');
  else {
    printTable(
      ['ID', 'REASON', 'FROM', 'SOURCE ID', 'PARKED', 'DETAIL'],
      page.items.map((item) => [
        item.id,
        item.reason,
        item.scope || item.origin,
        item.sourceId,
        item.parkedAt,
        item.detail,
      ]),
    );
    for (const [reason, advice] of new Map(page.items.map((item) => [item.reason, item.advice]))) {
      process.stdout.write(`${reason}: ${advice}\n`);
    }
  }
  return exitCodes.ok;
}
