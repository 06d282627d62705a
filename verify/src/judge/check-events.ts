import type { InstanceEvent } from '../domain/contract.ts';
import type { Received } from '../domain/mailbox.ts';
import { toUserUuid } from '../domain/user-id.ts';
import { labelOf } from '../drive/shop.ts';
import type { Evidence, InstanceRow } from '../evidence/evidence.ts';
import type { Violation } from './violation.ts';

/** Each instance has its event, always with the same bytes, and says what was bought; nothing else is published. */
export function checkEvents(evidence: Evidence, lostUsers: ReadonlySet<string>): Violation[] {
  const { messages, rows } = evidence;
  if (!messages) return [];
  const events = new Map(messages.events.map((event) => [event.messageId, event]));
  const rowOf = new Map(rows.map((row) => [row.instanceId, row]));
  const violations = rows.flatMap((row) => {
    const event = events.get(row.instanceId);
    if (event) return checkContent(evidence, row, event);
    const subject = `instance ${row.instanceId}`;
    return [{ kind: 'lost' as const, subject, detail: 'its event was never received' }];
  });
  violations.push(...[...messages.events, ...messages.releases, ...messages.refunds].flatMap(checkBytes));
  const usersWithRow = new Set(rows.map(({ userId }) => userId));
  for (const { messageId, content } of messages.events) {
    // The instance of a lost purchase is counted there.
    if (rowOf.has(messageId) || lostUsers.has(content.userId ?? '')) continue;
    const kind = usersWithRow.has(content.userId ?? '') ? 'doubled' : 'phantom';
    const detail = `event of user ${content.userId}, and there is no such instance`;
    violations.push({ kind, subject: `instance ${messageId}`, detail });
  }
  return violations;
}

function checkBytes({ messageId, type, bodies, copies }: Received<unknown>): Violation[] {
  if (bodies.length <= 1) return [];
  const subject = `${type} ${messageId}`;
  return [{ kind: 'changed bytes', subject, detail: `${bodies.length} contents in ${copies} copies` }];
}

function checkContent(
  { shop, messages }: Evidence,
  row: InstanceRow,
  { messageId, type, content }: Received<InstanceEvent>,
): Violation[] {
  const product = row.productId === shop.onSale.id ? shop.onSale : shop.plain;
  const { cpus, memoryMb, gpu, image } = product;
  const expected = {
    type: 'INSTANCE_CREATED',
    instanceId: row.instanceId,
    userId: row.userId,
    name: `${labelOf(product)}-${row.instanceId}`,
    spec: { cpus, memoryMb, gpu, image },
    hasTimestamp: true,
  };
  const mistakes = Object.entries(expected)
    .filter(
      ([field, value]) => JSON.stringify(value) !== JSON.stringify(content[field as keyof InstanceEvent]),
    )
    .map(([field]) => field);
  if (type !== expected.type) mistakes.push('property type');
  const status = checkStatus(row, messages?.answers.get(row.instanceId));
  if (mistakes.length === 0) return status;
  const detail = `its event differs in ${mistakes.join(', ')} (user ${toUserUuid(BigInt(row.userId))})`;
  return [...status, { kind: 'wrong content', subject: `instance ${messageId}`, detail }];
}

/** The instance became what was answered; after its deadline Weir may have given it up. */
function checkStatus({ instanceId, status, reason }: InstanceRow, isSuccess?: boolean): Violation[] {
  if (status === 'PROCESSING' || isSuccess === undefined) return [];
  const answered = isSuccess ? 'SUCCESS' : 'FAILED';
  if (status === answered || (status === 'FAILED' && reason === 'TIMEOUT')) return [];
  const detail = `answered ${answered}, and is ${status}`;
  return [{ kind: 'wrong content', subject: `instance ${instanceId}`, detail }];
}
