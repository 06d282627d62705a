import type { ParkedJob } from '../../api/answers.ts';
import { formatCount } from '../format.ts';
import { say, sayCode, type WordKey } from '../language.ts';
import { State } from '../parts/badge.tsx';
import { Age } from '../parts/moment.tsx';
import type { Column } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';

export type JobFilter = Readonly<Record<string, string | undefined>>;

/** What a job can be narrowed by, in the order of the list's filters. */
const filterWords: Readonly<Record<string, WordKey>> = {
  origin: 'parked.origin',
  reason: 'instance.reason',
  source: 'instance.source',
  scope: 'instance.scope',
};

/** Of the filters of the list, those that narrow a job. */
export function pickJobFilter(chosen: JobFilter): Record<string, string> {
  const given = Object.keys(filterWords).map((name) => [name, chosen[name]] as const);
  return Object.fromEntries(given.filter((pair): pair is [string, string] => Boolean(pair[1])));
}

export function sayAction(action: ParkedJob['action']): string {
  return say(action === 'replay' ? 'parked.replay' : 'parked.discard');
}

/** `Reason: PRODUCT_NOT_FOUND · Source: SECKILL` */
export function sayFilter(filter: JobFilter): string {
  const parts = Object.entries(filterWords).flatMap(([name, word]) => {
    const value = filter[name];
    return value ? [`${say(word)}: ${name === 'origin' ? sayCode('origin', value) : value}`] : [];
  });
  return parts.length === 0 ? say('job.everything') : parts.join(' · ');
}

export function sayHandled({ done, failed, skipped, matched }: ParkedJob): string {
  const handled = formatCount(done + failed + skipped);
  return matched === null
    ? say('job.handledSoFar', { handled })
    : say('job.handled', { handled, matched: formatCount(matched) });
}

export function jobColumns(): Column<ParkedJob>[] {
  return [
    {
      title: say('job.title'),
      isHead: true,
      cell: ({ id }) => <a href={writeRoute('parked', `jobs/${id}`)}>{say('job.one', { id })}</a>,
    },
    { title: say('job.action'), cell: ({ action }) => sayAction(action) },
    { title: say('instance.status'), cell: ({ state }) => <State of={state} /> },
    { title: say('job.progress'), isNumber: true, cell: sayHandled },
    { title: say('job.failed'), isNumber: true, cell: ({ failed }) => formatCount(failed) },
    { title: say('job.filter'), isText: true, cell: ({ filter }) => sayFilter(filter) },
    { title: say('job.startedBy'), isText: true, cell: ({ createdBy }) => createdBy },
    { title: say('job.started'), cell: ({ createdAt }) => <Age iso={createdAt} /> },
  ];
}
