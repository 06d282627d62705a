import type { RefundRequest } from '../domain/contract.ts';
import type { Received } from '../domain/mailbox.ts';
import { paymentIdOf } from '../drive/send.ts';
import type { Evidence, InstanceRow } from '../evidence/evidence.ts';
import type { Operation } from '../history/operation.ts';
import type { Violation } from './violation.ts';

/** The order of each failed instance is refunded, once, with what was paid; no other is. */
export function checkRefunds(evidence: Evidence): Violation[] {
  const { messages, rows } = evidence;
  if (!messages) return [];
  const failed = new Map(
    rows
      .filter(({ source, status }) => source === 'ORDER' && status === 'FAILED')
      .map((row) => [row.sourceId, row]),
  );
  const requests = new Map<string, Received<RefundRequest>[]>();
  for (const request of messages.refunds) {
    const { orderId } = request.content;
    requests.set(orderId, [...(requests.get(orderId) ?? []), request]);
  }
  const operations = new Map(evidence.operations.map((operation) => [operation.orderId, operation]));
  const violations: Violation[] = [];
  for (const [orderId, row] of failed) {
    if (requests.has(orderId)) continue;
    const detail = `instance ${row.instanceId} failed, and no refund was requested`;
    violations.push({ kind: 'missing refund', subject: `order ${orderId}`, detail });
  }
  for (const [orderId, received] of requests) {
    const subject = `order ${orderId}`;
    const ids = received.map(({ messageId }) => messageId).join(', ');
    const row = failed.get(orderId);
    if (!row) violations.push({ kind: 'phantom', subject, detail: `refund ${ids}, and nothing failed` });
    if (received.length > 1) violations.push({ kind: 'double refund', subject, detail: `requests ${ids}` });
    const [first] = received;
    if (row && first) violations.push(...checkRequest(evidence, row, first, operations.get(orderId)));
  }
  return violations;
}

function checkRequest(
  { shop, messages }: Evidence,
  row: InstanceRow,
  { messageId, type, content }: Received<RefundRequest>,
  operation: Operation | undefined,
): Violation[] {
  const subject = `order ${row.sourceId}`;
  const expected: Partial<RefundRequest> = {
    ...{ type: 'ORDER_REFUND_REQUESTED', instanceId: row.instanceId, productId: row.productId },
    ...{ userId: row.userId, amountCents: shop.plain.priceCents },
    ...(operation ? { paymentId: paymentIdOf(operation.key) } : {}),
  };
  const mistakes = Object.entries(expected)
    .filter(([field, value]) => content[field as keyof RefundRequest] !== value)
    .map(([field]) => field);
  if (type !== expected.type) mistakes.push('property type');
  const violations: Violation[] = [];
  if (mistakes.length > 0) {
    const detail = `refund ${messageId} differs in ${mistakes.join(', ')}`;
    violations.push({ kind: 'wrong content', subject, detail });
  }
  const report = messages?.reports.get(messageId);
  if (report !== 'ok') {
    const detail = `the report of refund ${messageId} was ${report ? `refused: ${report}` : 'never answered'}`;
    violations.push({ kind: 'stuck', subject, detail });
  }
  return violations;
}
