import type { Evidence, InstanceRow } from '../evidence/evidence.ts';
import { acceptedIds, nameOf, type Operation, outcomeOf } from '../history/operation.ts';
import type { Claims } from './claims.ts';
import type { Judgement } from './judge.ts';
import type { Violation } from './violation.ts';

/** Each accepted purchase has one instance, the same one in every answer; a refused one has none. */
export function checkPurchases(evidence: Evidence, { rowsOf, unexplained }: Claims): Judgement {
  const judgement: Judgement = { violations: [], allowed: [] };
  for (const [operation, rows] of rowsOf) {
    if (rows.length === 0 && outcomeOf(operation) === 'ok') {
      const { isAllowed, ...missing } = explainMissing(evidence, operation);
      judgement[isAllowed ? 'allowed' : 'violations'].push(missing);
    }
    judgement.violations.push(...checkRows(operation, rows), ...checkAnswers(evidence, operation, rows));
  }
  const users = new Set(evidence.operations.filter(isWanted).map(({ userId }) => userId));
  judgement.violations.push(...unexplained.map((row) => explainSurplus(row, users)));
  return judgement;
}

/** Whether an instance of its user may exist. */
const isWanted = (operation: Operation) => outcomeOf(operation) !== 'refused';

function explainMissing(
  { entries, parked, redisMayLose }: Evidence,
  operation: Operation,
): Violation & { isAllowed: boolean } {
  const subject = nameOf(operation);
  const ids = acceptedIds(operation);
  const item = parked.find(
    ({ sourceId }) => ids.includes(sourceId) || sourceId === (operation.orderId ?? operation.key),
  );
  if (item) {
    const detail = `parked as ${item.reason} (item ${item.id})`;
    return { kind: 'stuck', subject, detail, isAllowed: false };
  }
  const states = ids.map((id) => entries.get(id));
  if (states.includes('waiting')) {
    return { kind: 'stuck', subject, detail: `entry ${ids} waits on its stream`, isAllowed: false };
  }
  const isGone = states.length > 0 && states.every((state) => state === 'absent');
  const where = isGone ? `; entry ${ids} is not in Redis any more` : '';
  const detail = `answered with ${ids}, and there is no instance${where}`;
  return { kind: 'lost', subject, detail, isAllowed: isGone && redisMayLose };
}

function checkRows(operation: Operation, rows: readonly InstanceRow[]): Violation[] {
  const subject = nameOf(operation);
  const violations: Violation[] = [];
  const instances = rows.map(({ instanceId }) => instanceId).join(', ');
  if (rows.length > 1) violations.push({ kind: 'doubled', subject, detail: `instances ${instances}` });
  if (rows.length > 0 && outcomeOf(operation) === 'refused') {
    violations.push({ kind: 'phantom', subject, detail: `refused, and has instance ${instances}` });
  }
  for (const { instanceId, productId, userId } of rows) {
    if (productId === operation.productId && userId === operation.userId) continue;
    const detail = `instance ${instanceId} is product ${productId} of user ${userId}; bought was ${operation.productId} by ${operation.userId}`;
    violations.push({ kind: 'wrong content', subject, detail });
  }
  return violations;
}

function checkAnswers(evidence: Evidence, operation: Operation, rows: readonly InstanceRow[]): Violation[] {
  const subject = nameOf(operation);
  const refusal = findRefusal(operation);
  if (refusal) return [{ ...refusal, subject }];
  const ids = acceptedIds(operation);
  // A buyer whose first entry was lost with Redis is sold another one.
  const isResold = evidence.redisMayLose && ids.some((id) => evidence.entries.get(id) === 'absent');
  if (ids.length > 1 && !isResold) {
    return [{ kind: 'changed answer', subject, detail: `answered with ${ids.join(' and ')}` }];
  }
  const isNamed = operation.way === 'order' || operation.way === 'instance';
  const [row] = rows;
  if (isNamed && row && ids[0] !== undefined && ids[0] !== row.instanceId) {
    const detail = `answered with instance ${ids[0]}, and has instance ${row.instanceId}`;
    return [{ kind: 'changed answer', subject, detail }];
  }
  return [];
}

/** Only a sale may refuse, and only for these. */
const refusalsOfSale = ['409 SOLD_OUT', '409 LIMIT_REACHED'];
/** Between two replicas a purchase may be a quarter of a second away from being known (docs/http-api.md, "Sales"). */
const knownAfterMs = 500;

function findRefusal({ way, attempts }: Operation): Pick<Violation, 'kind' | 'detail'> | undefined {
  const acceptedAtMs = attempts.find(({ answer }) => answer.outcome === 'ok')?.answeredAtMs;
  for (const { answer, sentAtMs } of attempts) {
    if (answer.outcome !== 'refused') continue;
    if (acceptedAtMs !== undefined && sentAtMs > acceptedAtMs + knownAfterMs) {
      return { kind: 'changed answer', detail: `accepted, then refused: ${answer.code}` };
    }
    if (way !== 'buy' || !refusalsOfSale.includes(answer.code)) {
      return { kind: 'refused', detail: answer.code };
    }
  }
  return undefined;
}

function explainSurplus(row: InstanceRow, users: ReadonlySet<string>): Violation {
  const { instanceId, source, sourceId, userId } = row;
  const kind = users.has(userId) ? 'doubled' : 'phantom';
  const detail = `instance ${instanceId} of user ${userId}, whose purchases do not explain it`;
  return { kind, subject: `${source} ${sourceId}`, detail };
}
