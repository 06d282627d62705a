import type { Evidence } from '../evidence/evidence.ts';
import { mayHaveHappened, nameOf, type Operation, outcomeOf } from '../history/operation.ts';
import type { Violation } from './violation.ts';

/** Nothing waits: every caller has an answer, every instance its result, every order its end, and nothing is parked. */
export function checkSettled(evidence: Evidence): Violation[] {
  return [
    ...checkCallers(evidence),
    ...checkInstances(evidence),
    ...checkOrders(evidence),
    ...checkParked(evidence),
  ];
}

function checkCallers({ operations }: Evidence): Violation[] {
  return operations
    .filter((operation) => outcomeOf(operation) === 'unknown' && mayStillSend(operation))
    .map((operation) => {
      const last = operation.attempts.at(-1)?.answer;
      const cause = last?.outcome === 'unknown' ? `; last: ${last.cause}` : '';
      const detail = `no answer in ${operation.attempts.length} attempts${cause}`;
      return { kind: 'stuck', subject: nameOf(operation), detail };
    });
}

/** An entry that may be on the stream is not added again, so its caller has given up. */
function mayStillSend(operation: Operation): boolean {
  return operation.way !== 'stream' || !mayHaveHappened(operation);
}

function checkInstances({ rows }: Evidence): Violation[] {
  return rows
    .filter(({ status }) => status === 'PROCESSING')
    .map(({ instanceId }) => ({
      kind: 'stuck',
      subject: `instance ${instanceId}`,
      detail: 'still PROCESSING',
    }));
}

function checkOrders({ operations, orders, rows, messages }: Evidence): Violation[] {
  const statuses = new Map(
    rows.filter(({ source }) => source === 'ORDER').map((row) => [row.sourceId, row.status]),
  );
  return operations.flatMap((operation): Violation[] => {
    const { orderId = '', isMadeHere } = operation;
    const instance = statuses.get(orderId);
    if (!isMadeHere || instance === undefined || instance === 'PROCESSING') return [];
    const status = orders.get(orderId) ?? 'not listed';
    const expected =
      instance === 'SUCCESS' ? ['COMPLETED'] : ['REFUNDED', ...(messages ? [] : ['REFUND_REQUESTED'])];
    if (expected.includes(status)) return [];
    const detail = `its instance is ${instance}, and the order is ${status}`;
    return [{ kind: 'stuck', subject: nameOf(operation), detail }];
  });
}

/** Purchases without an instance name their own parked item. */
function checkParked({ parked, rows }: Evidence): Violation[] {
  const known = new Set(rows.flatMap(({ instanceId, sourceId }) => [instanceId, sourceId]));
  return parked
    .filter(({ sourceId, instanceId }) => known.has(sourceId) || known.has(instanceId ?? ''))
    .map(({ id, origin, reason }) => {
      return { kind: 'stuck', subject: `parked item ${id}`, detail: `${origin}: ${reason}` };
    });
}
