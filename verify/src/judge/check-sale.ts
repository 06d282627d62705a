import type { Evidence } from '../evidence/evidence.ts';
import type { Violation } from './violation.ts';

/** Stock and limit bound what lives, and the counters agree with it. */
export function checkSale({ shop, rows, sale }: Evidence): Violation[] {
  const { terms, onSale } = shop;
  if (!terms || !sale) return [];
  const subject = `sale of product ${onSale.id}`;
  const living = rows.filter(({ productId, status }) => productId === onSale.id && status !== 'FAILED');
  const violations: Violation[] = [];
  const add = (kind: Violation['kind'], detail: string) => violations.push({ kind, subject, detail });
  const { stock, sold, remaining, restocked } = sale;
  if (living.length > terms.stock) add('oversold', `${living.length} instances of a stock of ${terms.stock}`);
  if (stock !== terms.stock) add('unbalanced', `its stock is ${stock}; it was opened with ${terms.stock}`);
  if (stock !== sold + remaining + restocked) {
    add('unbalanced', `stock ${stock}, sold ${sold}, remaining ${remaining}, restocked ${restocked}`);
  }
  if (sold > living.length) add('missing restock', `${sold} sold, and ${living.length} instances`);
  if (sold < living.length) add('double restock', `${sold} sold, and ${living.length} instances`);
  for (const [userId, count] of countBy(living.map((row) => row.userId))) {
    if (count <= terms.perUserLimit) continue;
    const detail = `${count} instances, and the limit is ${terms.perUserLimit}`;
    violations.push({ kind: 'over limit', subject: `user ${userId}`, detail });
  }
  return violations;
}

export function countBy(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
