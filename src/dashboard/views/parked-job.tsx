import type { JobResult, Page, ParkedJob } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { formatCount } from '../format.ts';
import { say } from '../language.ts';
import { Action } from '../parts/action.tsx';
import { State } from '../parts/badge.tsx';
import { Facts } from '../parts/facts.tsx';
import { Head } from '../parts/head.tsx';
import { ListView, useList } from '../parts/list-view.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failure, Noticed, useNotice } from '../parts/notice.tsx';
import { What } from '../parts/server-text.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';

const askAgainMs = 1_000;
const everyMs = (job: ParkedJob) => (job.state === 'RUNNING' ? askAgainMs : 0);

/** A replay or discard of everything that a filter finds: how far it is, and what became of each item. */
export const ParkedJobView: View = ({ id, query }) => {
  const path = `parked/${id}`;
  const notice = useNotice();
  const { data: job, error, reload } = useLoad((signal) => get<ParkedJob>(path, {}, signal), [path], everyMs);
  const list = useList<JobResult>({ path: `${path}/results`, filters: [], query });
  const abort = async () => {
    await post(`${path}/abort`);
    await reload();
  };
  return (
    <>
      <Head
        title={say('job.one', { id: id.replace('jobs/', '') })}
        trail={<a href={writeRoute('parked', 'jobs')}>{say('job.title')}</a>}
      />
      <Failure error={error} />
      {job && (
        <>
          <p class="state" role="status">
            <State of={job.state} />{' '}
            {say('job.progress', { done: formatCount(job.done), total: formatCount(job.total) })}
          </p>
          <div class="meter">
            <progress
              max={1}
              value={job.total === 0 ? 1 : job.done / job.total}
              aria-label={say('job.done')}
            />
          </div>
          <Facts facts={listFacts(job)} />
          {job.state === 'RUNNING' && (
            <p class="buttons">
              <Action label={say('job.abort')} kind="danger" id="abort" notice={notice} act={abort} />
              <small>{say('job.abortHint')}</small>
              <Action label={say('job.results')} scope="read" notice={notice} act={list.reload} />
            </p>
          )}
          <Noticed notice={notice} />
          <h2>{say('job.results')}</h2>
          <ListView
            view={`parked/${id}`}
            title={say('job.results')}
            {...{ list, query }}
            filters={[]}
            columns={resultColumns()}
            empty={say('job.noResults')}
          />
        </>
      )}
    </>
  );
};

/** The jobs there were, the newest first. */
export const ParkedJobsView: View = () => {
  const { data, error } = useLoad((signal) => get<Page<ParkedJob>>('parked/jobs', {}, signal));
  return (
    <>
      <Head title={say('job.title')} trail={<a href={writeRoute('parked')}>{say('parked.title')}</a>} />
      <Failure error={error} />
      <Table caption={say('job.title')} columns={jobColumns()} rows={data?.items} empty={say('job.none')} />
    </>
  );
};

function listFacts({
  action,
  filter,
  reason,
  succeeded,
  failed,
  createdAt,
  createdBy,
  finishedAt,
}: ParkedJob) {
  return [
    [say('activity.action'), say(`job.${action}`)],
    [say('job.filter'), showFilter(filter)],
    [say('parked.why'), reason],
    [say('job.succeeded'), formatCount(succeeded)],
    [say('job.failed'), formatCount(failed)],
    [say('instance.created'), <Moment iso={createdAt} />],
    [say('activity.actor'), createdBy],
    [say('job.finished'), finishedAt && <Moment iso={finishedAt} />],
  ] as const;
}

function showFilter(filter: object): string {
  return Object.entries(filter)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function resultColumns(): Column<JobResult>[] {
  return [
    {
      title: say('parked.item'),
      isHead: true,
      cell: ({ parkedId }) => <a href={writeRoute('parked', parkedId)}>#{parkedId}</a>,
    },
    { title: say('instance.status'), cell: ({ state }) => state && <State of={state} /> },
    { title: say('instance.reason'), isText: true, cell: ({ code }) => code && <What code={code} /> },
    {
      title: say('instance.id'),
      cell: ({ instanceId }) => instanceId && <a href={writeRoute('instances', instanceId)}>{instanceId}</a>,
    },
  ];
}

function jobColumns(): Column<ParkedJob>[] {
  return [
    {
      title: say('job.title'),
      isHead: true,
      cell: ({ id }) => <a href={writeRoute('parked', `jobs/${id}`)}>{id}</a>,
    },
    { title: say('activity.action'), cell: ({ action }) => say(`job.${action}`) },
    { title: say('instance.status'), cell: ({ state }) => <State of={state} /> },
    { title: say('job.filter'), isText: true, cell: ({ filter }) => showFilter(filter) },
    {
      title: say('job.done'),
      isNumber: true,
      cell: ({ done, total }) => `${formatCount(done)} / ${formatCount(total)}`,
    },
    { title: say('activity.actor'), cell: ({ createdBy }) => createdBy },
    { title: say('instance.created'), cell: ({ createdAt }) => <Moment iso={createdAt} /> },
  ];
}
