import type { Activity } from '../../api/answers.ts';
import { say, sayCode } from '../language.ts';
import { Changed } from '../parts/changed.tsx';
import type { Filter } from '../parts/filters.tsx';
import { Id } from '../parts/id.tsx';
import { ListPage, useList } from '../parts/list-view.tsx';
import { Moment } from '../parts/moment.tsx';
import { Subject } from '../parts/subject.tsx';
import type { Column } from '../parts/table.tsx';
import type { View } from '../views.ts';
import { en } from '../words/en.ts';

const codesOf = (prefix: string) =>
  Object.keys(en).flatMap((key) => (key.startsWith(`${prefix}.`) ? [key.slice(prefix.length + 1)] : []));

/** Every change by an operator, by whatever way it came. */
const ActivityView: View = ({ query }) => {
  const filters = activityFilters();
  const list = useList<Activity>({ path: 'activity', filters, query });
  return (
    <ListPage
      view="activity"
      title={say('activity.title')}
      {...{ list, filters, query }}
      columns={activityColumns()}
      empty={say('activity.none')}
      exported="activity"
    />
  );
};

function activityFilters(): Filter[] {
  return [
    { name: 'actor', label: say('activity.actor'), maxLength: 512 },
    { name: 'action', label: say('activity.action'), options: { words: 'did', codes: codesOf('did') } },
    {
      name: 'subject',
      label: say('activity.kind'),
      options: { words: 'subject', codes: codesOf('subject') },
    },
    { name: 'subjectId', label: say('activity.subject'), maxLength: 512 },
    { name: 'from', label: say('filter.from'), kind: 'time' },
    { name: 'to', label: say('filter.to'), kind: 'time' },
  ];
}

function activityColumns(): Column<Activity>[] {
  return [
    { title: say('activity.at'), isHead: true, cell: ({ at }) => <Moment iso={at} /> },
    {
      title: say('activity.actor'),
      isText: true,
      cell: ({ actor, keyId, via }) => (
        <>
          {actor}{' '}
          <small>{[via, keyId && say('activity.key', { id: keyId })].filter(Boolean).join(' · ')}</small>
        </>
      ),
    },
    { title: say('activity.action'), isText: true, cell: ({ action }) => sayCode('did', action) },
    { title: say('activity.subject'), isText: true, cell: ({ subject }) => <Subject {...subject} /> },
    { title: say('activity.change'), isText: true, cell: (record) => <Changed record={record} /> },
    {
      title: say('activity.request'),
      isText: true,
      cell: ({ requestId }) => requestId && <Id text={requestId} />,
    },
  ];
}

export const show = (): View => ActivityView;
