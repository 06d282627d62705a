import type { AuditSum } from '../../api/answers.ts';
import { writeRoute } from '../route.ts';

type Exception = AuditSum['exceptions'][number];

const productOf = (id: string) => /:([1-9]\d{0,18})$/.exec(id)?.[1];

/** Where what an exception names can be looked at; undefined: it is no id. */
export function linkException(sum: string, id: string): string | undefined {
  const productId = productOf(id);
  if (productId) return writeRoute('instances', undefined, { source: 'SECKILL', productId });
  if (/\s/.test(id) || id.length > 64) return undefined;
  if (sum === 'orders') return writeRoute('orders', id);
  return /^\d{15,19}$/.test(id) ? writeRoute('instances', id) : writeRoute('instances', undefined, { q: id });
}

const accept = (stream: string) => `weir audit --accept ${stream}`;
const acceptDurable = (stream: string) => ['weir doctor', accept(stream)];

/** By the code of the exception, as `auditAdvice` of api/sentences.ts names them. */
const repairs: Readonly<Record<string, (id: string) => string[]>> = {
  ENTRIES_MISSING: (stream) => [accept(stream)],
  STREAM_RESTARTED: acceptDurable,
  STREAM_RESTARTED_WITH_LOSS: acceptDurable,
  UNITS_LOST: acceptDurable,
  RESTOCKS_LOST: (stream) => [`weir sale restock ${productOf(stream) ?? ''}`.trim()],
  ORDER_WITHOUT_INSTANCE: (orderId) => [`weir orders paid ${orderId}`],
  ROWS_CHANGED: () => ['weir audit --full'],
};

/** The commands that the advice names, complete with what they are about. */
export function findCommands({ id, code }: Exception): string[] {
  const commands = Object.hasOwn(repairs, code) ? repairs[code] : undefined;
  return commands?.(id) ?? [];
}
