import type { Activity } from '../../api/answers.ts';
import { sayCode } from '../language.ts';
import { cursorBefore } from '../live/find-sales.ts';
import { writeRoute } from '../route.ts';
import { Id } from './id.tsx';

/** What a record of the activity log is about, with the way to it. */
export function Subject({ kind, id }: Activity['subject']) {
  const href = wayTo(kind, id);
  const text = <Id text={id} />;
  return (
    <>
      {sayCode('subject', kind)} {href ? <a href={href}>{text}</a> : text}
    </>
  );
}

function wayTo(kind: string, id: string): string | undefined {
  switch (kind) {
    case 'instance':
      return writeRoute('instances', id);
    case 'order':
      return writeRoute('orders', id);
    case 'parked':
      return writeRoute('parked', id);
    case 'job':
      return writeRoute('parked', `jobs/${id}`);
    case 'product':
      return writeRoute('products', undefined, { cursor: cursorBefore(id) });
    case 'sale':
      return writeRoute('sales', undefined, { cursor: cursorBefore(id) });
  }
  return undefined;
}
