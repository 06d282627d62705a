import type { Activity, Page } from '../../api/answers.ts';
import { get } from '../api.ts';
import { say, sayCode } from '../language.ts';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import { Changed } from './changed.tsx';
import { Moment } from './moment.tsx';

/** What operators changed on one item, next to its timeline; nothing where nothing was. */
export function ActivityOf({ kind, id }: { kind: string; id: string }) {
  const filter = { subject: kind, subjectId: id };
  const { data } = useLoad(
    (signal) => get<Page<Activity>>('activity', { ...filter, limit: 50 }, signal),
    [kind, id],
  );
  if (!data?.items.length) return null;
  return (
    <section class="activity" aria-label={say('activity.ofThis')}>
      <h2>
        <a href={writeRoute('activity', undefined, filter)}>{say('activity.ofThis')}</a>
      </h2>
      <ul class="log">
        {data.items.map((record) => (
          <li key={record.id}>
            <Moment iso={record.at} /> <strong>{sayCode('did', record.action)}</strong> {record.actor}{' '}
            <Changed record={record} />
          </li>
        ))}
      </ul>
    </section>
  );
}
