import type { Activity } from '../../api/answers.ts';
import { formatCount } from '../format.ts';

/** The fields of a record that changed, each with its value before and after. */
export function Changed({ record: { before, after } }: { record: Activity }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return (
    <>
      {names.map((name) => (
        <span key={name} class="change">
          <span class="soft">{name}</span> {show(before?.[name])}
          {after && name in after && ` → ${show(after[name])}`}{' '}
        </span>
      ))}
    </>
  );
}

/** A step of a job may name hundreds of ranges of items; the export has them all. */
const shownOfList = 5;

function show(value: unknown): string {
  if (Array.isArray(value)) {
    const left = value.length - shownOfList;
    return value.slice(0, shownOfList).join(', ') + (left > 0 ? `, … (+${formatCount(left)})` : '');
  }
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
