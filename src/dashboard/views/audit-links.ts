import type { AuditSum } from '../../api/answers.ts';
import { writeRoute } from '../route.ts';

type Exception = AuditSum['exceptions'][number];

const productOf = (id: string) => /:([1-9]\d{0,18})$/.exec(id)?.[1];

/** Where what an exception names can be looked at; undefined: it is no id. */
export function linkException(_sum: string, id: string): string | undefined {
  const productId = productOf(id);
  if (productId) return writeRoute('instances', undefined, { source: 'SECKILL', productId });
  if (/\s/.test(id) || id.length > 64) return undefined;
  return /^\d{15,19}$/.test(id) ? writeRoute('instances', id) : writeRoute('instances', undefined, { q: id });
}

/** The commands that the advice names, complete with what they are about. */
export function findCommands({ id, advice }: Exception): string[] {
  const names = [...advice.matchAll(/weir (?:audit --accept|sale restock|doctor)/g)].map(String);
  const arguments_: Record<string, string | undefined> = {
    'weir audit --accept': id,
    'weir sale restock': productOf(id),
  };
  return [...new Set(names)].map((name) => [name, arguments_[name]].filter(Boolean).join(' '));
}
