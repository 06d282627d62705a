import type { Activity } from '../../api/answers.ts';
import { counted, type ListOptions, printList } from '../client/list-pages.ts';
import { printLine } from '../output/output.ts';
import { printTable, showTime } from '../output/table.ts';
import { readTime } from './read-time.ts';

interface ActivityOptions extends ListOptions {
  actor?: string;
  action?: string;
  subject?: string;
  subjectId?: string;
  from?: string;
  to?: string;
}

export function listActivity(options: ActivityOptions): Promise<number> {
  const { actor, action, subject, subjectId, from, to } = options;
  const query = {
    ...{ actor, action, subject, subjectId, ...counted },
    from: from && readTime('--from', from),
    to: to && readTime('--to', to),
  };
  return printList<Activity>('/v1/activity', query, options, (items) => {
    if (items.length === 0) printLine('no activity');
    else print(items);
  });
}

function print(items: readonly Activity[]): void {
  printTable(
    [
      { title: 'AT', rank: 1 },
      { title: 'ACTOR', isProse: true },
      { title: 'VIA', rank: 4 },
      'ACTION',
      { title: 'SUBJECT', rank: 2 },
      { title: 'CHANGE', rank: 3, isProse: true },
    ],
    items.map(({ at, actor, via, action, subject, before, after }) => [
      showTime(at),
      actor,
      via,
      action,
      `${subject.kind} ${subject.id}`,
      describeChange(before, after),
    ]),
  );
}

/** `status: PENDING → CANCELLED` */
function describeChange(before: Activity['before'], after: Activity['after']): string {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names]
    .map((name) => {
      const values = [before?.[name], after?.[name]].filter((value) => value !== undefined && value !== null);
      return `${name}: ${values.map(showValue).join(' → ')}`;
    })
    .join(', ');
}

function showValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
