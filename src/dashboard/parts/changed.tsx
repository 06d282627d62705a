import type { Activity } from '../../api/answers.ts';
import { formatCount } from '../format.ts';
import { Moment } from './moment.tsx';

/** The fields of a record that changed, each with its value before and after. */
export function Changed({ record: { before, after } }: { record: Activity }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return (
    <>
      {names.map((name) => (
        <span key={name} class="change">
          <span class="soft">{name}</span> <Value value={before?.[name]} />
          {after && name in after && (
            <>
              {' → '}
              <Value value={after[name]} />
            </>
          )}{' '}
        </span>
      ))}
    </>
  );
}

/** A step of a job may name hundreds of ranges of items; the export has them all. */
const shownOfList = 5;

/** A moment in the time zone of the page, like every other. */
function Value({ value }: { value: unknown }) {
  const isMoment = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);
  return isMoment ? <Moment iso={value} /> : <span>{show(value)}</span>;
}

function show(value: unknown): string {
  if (Array.isArray(value)) {
    const left = value.length - shownOfList;
    return value.slice(0, shownOfList).join(', ') + (left > 0 ? `, … (+${formatCount(left)})` : '');
  }
  if (value === null) return '–';
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
