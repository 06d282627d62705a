import type { Activity, Page } from '../../api/answers.ts';
import { get } from '../api.ts';
import { say, sayCode } from '../language.ts';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import { Changed } from './changed.tsx';
import { Moment } from './moment.tsx';
import { Subject } from './subject.tsx';
import type { TimelineStep } from './timeline.tsx';

interface Item {
  kind: 'instance' | 'order' | 'parked';
  id: string;
}

/** What operators changed on one item, newest first. `version`: loaded again when it changes, and not before there is one. */
export function useActivity({ kind, id }: Item, version: unknown): readonly Activity[] {
  const asked = { subject: kind, subjectId: id, limit: 50 };
  const { data } = useLoad(
    async (signal) => (version === undefined ? undefined : get<Page<Activity>>('activity', asked, signal)),
    [kind, id, version],
  );
  return data?.items ?? [];
}

/** To the records of one item, which have the request and each field that changed; nothing without any. */
export function ActivityLink({ kind, id, records }: Item & { records: readonly Activity[] }) {
  if (records.length === 0) return null;
  return (
    <a href={writeRoute('activity', undefined, { subject: kind, subjectId: id })}>{say('activity.ofThis')}</a>
  );
}

/** For an item without a timeline. */
export function ActivityOf({ kind, id, records }: Item & { records: readonly Activity[] }) {
  if (records.length === 0) return null;
  return (
    <section class="activity" aria-label={say('activity.ofThis')}>
      <h2>
        <ActivityLink kind={kind} id={id} records={records} />
      </h2>
      <ul class="log">
        {records.map((record) => (
          <li key={record.id}>
            <Moment iso={record.at} /> <strong>{sayCode('did', record.action)}</strong> {record.actor}{' '}
            {record.subject.kind !== kind && <Subject {...record.subject} />} <Changed record={record} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The steps that show an action, by the operator's name. */
const stepsOf: Readonly<Record<string, readonly string[]>> = {
  ORDER_CREATED: ['ORDER_CREATED'],
  ORDER_CANCELLED: ['CANCELLED'],
  ORDER_REFUNDED: ['REFUNDED'],
  ORDER_REFUND_REQUESTED: ['REFUND_REQUESTED_AGAIN'],
  INSTANCE_REPUBLISHED: ['REPUBLISHED'],
  INSTANCE_RELEASE_REQUESTED: ['RELEASE_REQUESTED', 'RELEASE_REQUESTED_AGAIN'],
  INSTANCE_SETTLED: ['SETTLED'],
};
/** One commit wrote both. */
const sameCommitMs = 2_000;

/** The timeline with what operators changed: a record that no step shows becomes a step of its own. */
export function mergeActivity(
  steps: readonly TimelineStep[],
  records: readonly Activity[],
): readonly TimelineStep[] {
  const isShown = ({ action, at }: Activity) =>
    steps.some(
      (step) =>
        stepsOf[action]?.includes(step.code) && Math.abs(Date.parse(step.at) - Date.parse(at)) < sameCommitMs,
    );
  const more = records
    .filter((record) => !isShown(record))
    .map((record) => ({
      ...{ at: record.at, code: record.action, title: sayCode('did', record.action) },
      children: (
        <>
          <Changed record={record} /> {record.actor}
        </>
      ),
    }));
  return [...steps, ...more].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}
