import { WeirError } from '../../errors.ts';
import { type ProductId, parseProductId, parseUserId, type UserId } from '../instance/purchase.ts';
import { type Payment, parsePayment } from '../orders/payment.ts';

const paidFields = ['orderId', 'productId', 'userId', 'paymentId', 'amountCents', 'paidAt'] as const;

/** The body of a payment callback. */
interface PaidBody {
  named: { productId: ProductId; userId: UserId } | undefined;
  payment: Payment;
}

/**
 * Parses the body; empty, null and {} carry no fields.
 * @throws WeirError for the invalid field
 */
export function parsePaidBody(body: unknown, orderId: string): PaidBody {
  const fields = readFields(body);
  requireNamed(fields.orderId, orderId);
  if ((fields.productId === undefined) !== (fields.userId === undefined)) {
    throw new WeirError('REQUEST_INVALID', 'productId and userId must be given together');
  }
  const named =
    fields.productId === undefined
      ? undefined
      : { productId: parseProductId(fields.productId), userId: parseUserId(fields.userId) };
  return { named, payment: parsePayment(fields) };
}

/** @throws WeirError REQUEST_INVALID */
function requireNamed(named: string | undefined, orderId: string): void {
  if (named !== undefined && named !== orderId) {
    throw new WeirError('REQUEST_INVALID', `the body names order ${named}, the path order ${orderId}`);
  }
}

type PaidFields = Partial<Record<(typeof paidFields)[number], string>>;

/** @throws WeirError REQUEST_INVALID */
function readFields(body: unknown): PaidFields {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new WeirError('REQUEST_INVALID', 'the body must be a JSON object, or empty');
  }
  const known: readonly string[] = paidFields;
  for (const [name, value] of Object.entries(body)) {
    if (!known.includes(name)) {
      const expected = paidFields.join(', ');
      throw new WeirError('REQUEST_INVALID', `unknown field ${name.slice(0, 40)}; known are ${expected}`);
    }
    if (typeof value !== 'string') throw new WeirError('REQUEST_INVALID', `${name} must be a string`);
  }
  return body;
}
