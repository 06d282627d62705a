import type { FailedItem, ParkedJob } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { formatCount } from '../format.ts';
import { say } from '../language.ts';
import { Action, ScopeNeeded } from '../parts/action.tsx';
import { State } from '../parts/badge.tsx';
import { Facts } from '../parts/facts.tsx';
import { Head } from '../parts/head.tsx';
import { ListView, useList } from '../parts/list-view.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failure, Noticed, useNotice } from '../parts/notice.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { itemColumns } from './item-columns.tsx';
import { sayAction, sayFilter, sayHandled } from './job-parts.tsx';

const askAgainMs = 1_000;

/** One job over parked items. It goes on without this page, which only follows it. */
export const ParkedJobView: View = ({ id: place, query }) => {
  const id = place.replace('jobs/', '');
  const notice = useNotice();
  const path = `parked/jobs/${encodeURIComponent(id)}`;
  const { data, error, reload } = useLoad(
    (signal) => get<ParkedJob>(path, {}, signal),
    [path],
    ({ state }) => (state === 'RUNNING' ? askAgainMs : 0),
  );
  const abort = async () => {
    try {
      await post(`${path}/abort`);
      notice.say(say('job.aborted'));
    } finally {
      // It may have ended meanwhile.
      await reload();
    }
  };
  return (
    <>
      <Head
        title={data ? `${say('job.one', { id })}: ${sayAction(data.action)}` : say('job.one', { id })}
        trail={
          <>
            <a href={writeRoute('parked')}>{say('parked.title')}</a> ·{' '}
            <a href={writeRoute('parked', 'jobs')}>{say('jobs.title')}</a>
          </>
        }
      />
      <Failure error={error} />
      {data && (
        <>
          <JobState job={data} />
          <Progress job={data} />
          {data.state === 'RUNNING' && (
            <div class="buttons">
              <Action label={say('job.abort')} kind="danger" id="abort" notice={notice} act={abort} />
              <small>{say('job.abortHint')}</small>
              <ScopeNeeded scope="act" />
            </div>
          )}
          <Noticed notice={notice} />
          <Facts facts={listFacts(data)} />
          {data.failed > 0 && <Results job={data} path={path} query={query} />}
        </>
      )}
    </>
  );
};

/** A screen reader announces this alone, once, when the job ends. */
function JobState({ job: { state, matched, done, failed, skipped } }: { job: ParkedJob }) {
  const counts = {
    done: formatCount(done),
    failed: formatCount(failed),
    skipped: formatCount(skipped),
  };
  const summary = matched === 0 ? say('job.matchedNothing') : say('job.summary', counts);
  return (
    <p class="state" role="status">
      <State of={state} /> {state !== 'RUNNING' && summary}
    </p>
  );
}

/** Without a count of the items the bar has no value. */
function Progress({ job }: { job: ParkedJob }) {
  const { matched, done, failed, skipped, state } = job;
  // A full bar would look like work that was done.
  if (matched === 0) return null;
  const share =
    matched === null
      ? {}
      : {
          max: Math.max(1, matched),
          value: state === 'DONE' ? Math.max(1, matched) : done + failed + skipped,
        };
  return (
    <p class="meter">
      <progress aria-label={say('job.progress')} {...share} /> <span id="handled">{sayHandled(job)}</span>
    </p>
  );
}

function listFacts(job: ParkedJob) {
  const { id, filter, note, matched, done, failed, skipped, remaining } = job;
  const { createdAt, createdBy, endedAt, endedBy, state } = job;
  const count = (value: number | null) => (value === null ? '–' : formatCount(value));
  return [
    [say('job.filter'), <a href={writeRoute('parked', undefined, filter)}>{sayFilter(filter)}</a>],
    [say('job.note'), note],
    [say('job.matched'), count(matched)],
    [say('job.done'), count(done)],
    [say('job.failed'), count(failed)],
    [say('job.skipped'), state === 'DONE' && skipped > 0 ? count(skipped) : undefined],
    [say('job.remaining'), state === 'DONE' ? undefined : count(remaining)],
    [say('job.started'), <Moment iso={createdAt} />],
    [say('job.startedBy'), createdBy],
    [say('job.ended'), endedAt && <Moment iso={endedAt} />],
    [say('job.endedBy'), endedBy],
    [
      say('activity.title'),
      <a href={writeRoute('activity', undefined, { subject: 'job', subjectId: id })}>
        {say('job.activity')}
      </a>,
    ],
  ] as const;
}

/** Items that stay parked, each with the reason. */
function Results({ job, path, query }: { job: ParkedJob; path: string; query: URLSearchParams }) {
  const list = useList<FailedItem>({ path: `${path}/results`, filters: [], query, version: job.failed });
  return (
    <div class="jobs">
      <h2>{say('job.results')}</h2>
      <ListView
        view={`parked/jobs/${job.id}`}
        title={say('job.results')}
        {...{ list, query }}
        filters={[]}
        columns={itemColumns<FailedItem>(({ code }) => code)}
        empty={say('job.noResults')}
        exported={`${path}/results`}
      />
    </div>
  );
}
