import type { InstanceLogs, NewInstance, NotInserted } from '../../core/instance/create-instances.ts';
import type { InstanceLog } from '../../core/instance/instance-log.ts';
import type { InstanceId, Purchase, SaleUnit, Source, SourceId } from '../../core/instance/purchase.ts';
import { encodeMessage } from '../../core/outbox/outbox-batch.ts';
import { failpoint, failpointInFlight } from '../../lib/failpoint.ts';
import { type Database, numberArray, type Sql, textArray } from '../../lib/sql.ts';
import { toPaymentInput } from './insert-payments.ts';
import { findInsertStatements, type InsertAnswer } from './insert-statements.ts';
import { type InstanceLogRow, instanceLogColumns, toInstanceLog } from './instance-log-row.ts';
import { mostRowsOfKeptPlan } from './kept-plans.ts';

/** Repeats come in bursts: so many batches after one expect others (docs/decisions/0004). */
const batchesAfterRepeat = 16;

/** Writes instances, and finds them for their triggers. */
export function postgresInstanceLogs(database: Database) {
  let expectingRepeats = 0;
  const logs: InstanceLogs = {
    async insert(instances, eventAtMs) {
      const inserted = await insertInstances(database, instances, eventAtMs, expectingRepeats > 0);
      expectingRepeats = inserted.hadRepeats ? batchesAfterRepeat : Math.max(0, expectingRepeats - 1);
      return inserted;
    },
    findByPurchases: (purchases) => findByPurchases(database, purchases),
  };
  return {
    ...logs,
    findInstance: (orderId: SourceId) => findOrderInstance(database, orderId),
    findFinished: (stream: string, ids: readonly string[]) => findFinishedEntries(database, stream, ids),
  };
}

async function insertInstances(
  database: Database,
  instances: readonly NewInstance[],
  eventAtMs: number,
  expectsRepeats: boolean,
): Promise<{ createdAt: Date; notInserted: NotInserted[]; hadRepeats: boolean }> {
  const orders = instances.some(({ purchase }) => purchase.source === 'ORDER');
  const units = instances.some(({ purchase }) => purchase.unit !== undefined);
  const stated = orders ? toPaymentInput(instances) : undefined;
  const statements = findInsertStatements({ orders, units, payments: stated !== undefined });
  const values = [...toValues(instances, eventAtMs), ...(units ? toUnitValues(instances) : [])];
  if (stated !== undefined) values.push(stated);
  const keepsPlan = instances.length <= mostRowsOfKeptPlan;
  failpoint('before-insert');
  const insertSome = () => database.query<InsertAnswer>({ ...statements.someKnown, keepsPlan }, values);
  const inserting = expectsRepeats
    ? insertSome()
    : database.query<InsertAnswer>({ ...statements.allNew, keepsPlan }, values).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        return insertSome();
      });
  failpointInFlight('after-insert');
  const [answer] = await inserting;
  if (!answer) throw new Error('the INSERT statement returned no row');
  return {
    createdAt: answer.created_at,
    hadRepeats: answer.not_inserted.some(({ because }) => because === 'key'),
    notInserted: answer.not_inserted.map(({ instance_id, because }) => ({
      instanceId: BigInt(instance_id) as InstanceId,
      because,
    })),
  };
}

function toValues(instances: readonly NewInstance[], eventAtMs: number): unknown[] {
  const records = instances.map(({ instanceId, event, purchase }) =>
    encodeMessage({ id: instanceId.toString(), body: event, traceparent: purchase.traceparent }),
  );
  let start = 1;
  const starts = records.map(({ length }) => {
    start += length;
    return start - length;
  });
  return [
    numberArray(instances.map(({ instanceId }) => instanceId)),
    numberArray(instances.map(({ purchase }) => purchase.productId)),
    numberArray(instances.map(({ purchase }) => purchase.userId)),
    textArray(instances.map(({ purchase }) => purchase.source)),
    textArray(instances.map(({ purchase }) => purchase.sourceId)),
    textArray(instances.map(({ purchase }) => purchase.scope)),
    numberArray(instances.map(({ productVersion }) => productVersion)),
    numberArray(starts),
    numberArray(records.map(({ length }) => length)),
    Buffer.concat(records),
    new Date(eventAtMs),
  ];
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}

/** NULL for a purchase without a unit. */
function toUnitValues(instances: readonly NewInstance[]): unknown[] {
  const units = instances.map(({ purchase }) => purchase.unit);
  const toArray = (read: (unit: SaleUnit) => bigint | number | undefined) =>
    `{${units.map((unit) => (unit && read(unit)) ?? 'NULL').join(',')}}`;
  return [
    toArray(({ saleId }) => saleId),
    toArray(({ nth }) => nth),
    toArray(({ userNth }) => userNth),
    toArray(({ ticketUnit }) => ticketUnit),
    textArray(units.map((unit) => unit?.idempotencyKey ?? '')),
  ];
}

async function findByPurchases(
  database: Database,
  purchases: readonly Pick<Purchase, 'source' | 'scope' | 'sourceId'>[],
): Promise<InstanceLog[]> {
  const rows = await database.query<InstanceLogRow>(
    {
      name: 'weir-find-purchases',
      text: `
WITH wanted AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (source, source_id, scope)
)
SELECT ${instanceLogColumns} FROM instance_logs JOIN wanted USING (source, source_id, scope)
UNION SELECT ${instanceLogColumns} FROM archived_purchases JOIN wanted USING (source, source_id, scope)`,
    },
    [
      textArray(purchases.map(({ source }) => source)),
      textArray(purchases.map(({ sourceId }) => sourceId)),
      textArray(purchases.map(({ scope }) => scope)),
    ],
  );
  return rows.map(toInstanceLog);
}

/** The instance of an order, archived or not. */
async function findOrderInstance(database: Database, orderId: SourceId): Promise<InstanceLog | undefined> {
  const identity = { source: 'ORDER' as Source, scope: '', sourceId: orderId };
  const [instance] = await findByPurchases(database, [identity]);
  return instance;
}

/** The entries of a stream that have an instance. */
async function findFinishedEntries(
  sql: Sql,
  stream: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ source_id: string }>(
    `SELECT source_id FROM instance_logs WHERE source = 'SECKILL' AND scope = $1 AND source_id = ANY ($2::text[])
     UNION SELECT source_id FROM archived_purchases
     WHERE source = 'SECKILL' AND scope = $1 AND source_id = ANY ($2::text[])`,
    [stream, textArray(ids)],
  );
  return new Set(rows.map(({ source_id }) => source_id));
}
