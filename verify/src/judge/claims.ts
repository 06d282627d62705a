import { source, streamOf } from '../drive/shop.ts';
import type { Evidence, InstanceRow } from '../evidence/evidence.ts';
import { acceptedIds, mayHaveHappened, type Operation } from '../history/operation.ts';

/** Which instances belong to which purchase. */
export interface Claims {
  rowsOf: ReadonlyMap<Operation, InstanceRow[]>;
  /** Rows that no purchase explains. */
  unexplained: InstanceRow[];
}

/**
 * First by identity: source id and scope, which the answer named or the caller chose. An entry whose answer was lost has an
 * unknown id, so what is left goes to such purchases of the same user.
 */
export function claimRows({ operations, rows, shop }: Evidence): Claims {
  const rowsOf = new Map<Operation, InstanceRow[]>(operations.map((operation) => [operation, []]));
  const claim = (operation: Operation, row: InstanceRow) => rowsOf.get(operation)?.push(row);
  const byIdentity = new Map<string, Operation>();
  for (const operation of operations) {
    for (const identity of identitiesOf(operation)) {
      if (!byIdentity.has(identity)) byIdentity.set(identity, operation);
    }
  }
  const left = rows.filter((row) => {
    const operation = byIdentity.get(identityOf(row));
    if (operation) claim(operation, row);
    return !operation;
  });

  const streams = new Map([shop.plain, shop.onSale].map((product) => [streamOf(product), product.id]));
  const open = groupByUser(
    operations.filter((each) => mayHaveHappened(each) && rowsOf.get(each)?.length === 0),
  );
  const unexplained = left.filter((row) => {
    const key = `${streams.get(row.scope) ?? ''} ${row.userId}`;
    const operation = row.source === 'SECKILL' ? open.get(key)?.shift() : undefined;
    if (operation) claim(operation, row);
    return !operation;
  });
  return { rowsOf, unexplained };
}

function identityOf({ source: from, sourceId }: InstanceRow): string {
  return `${from} ${sourceId}`;
}

function identitiesOf(operation: Operation): string[] {
  if (operation.way === 'instance') return [`${source} ${operation.key}`];
  if (operation.way === 'order') return operation.orderId ? [`ORDER ${operation.orderId}`] : [];
  return acceptedIds(operation).map((id) => `SECKILL ${id}`);
}

/** By product and user, in order of sending. */
function groupByUser(operations: readonly Operation[]): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (operation.way !== 'stream' && operation.way !== 'buy') continue;
    const key = `${operation.productId} ${operation.userId}`;
    groups.set(key, [...(groups.get(key) ?? []), operation]);
  }
  return groups;
}
