import type { Activity } from '../../api/answers.ts';

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

function show(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
