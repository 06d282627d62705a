import type { Page, ParkedJob } from '../../api/answers.ts';
import { get } from '../api.ts';
import { say } from '../language.ts';
import type { Filter } from '../parts/filters.tsx';
import { ListPage, useList } from '../parts/list-view.tsx';
import { Table } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { jobColumns } from './job-parts.tsx';

const shownOfLatest = 3;
const [runningMs, quietMs] = [2_000, 15_000];

/** Next to the parked items; nothing until there is a job. */
export function LatestJobs() {
  const { data } = useLoad(
    (signal) => get<Page<ParkedJob>>('parked/jobs', { limit: shownOfLatest }, signal),
    [],
    ({ items }) => (items.some(({ state }) => state === 'RUNNING') ? runningMs : quietMs),
  );
  if (!data?.items.length) return null;
  return (
    <div class="jobs">
      <h2>
        {say('jobs.latest')} <a href={writeRoute('parked', 'jobs')}>{say('jobs.all')}</a>
      </h2>
      <Table caption={say('jobs.latest')} columns={jobColumns()} rows={data.items} empty={say('jobs.none')} />
    </div>
  );
}

/** Every job that is kept, the newest first. */
export const ParkedJobsView: View = ({ query }) => {
  const filters: Filter[] = [
    {
      name: 'state',
      label: say('instance.status'),
      options: { words: 'state', codes: ['RUNNING', 'DONE', 'ABORTED'] },
    },
  ];
  const list = useList<ParkedJob>({ path: 'parked/jobs', filters, query, isCounted: false });
  return (
    <ListPage
      view="parked/jobs"
      title={say('jobs.title')}
      trail={<a href={writeRoute('parked')}>{say('parked.title')}</a>}
      {...{ list, filters, query }}
      columns={jobColumns()}
      empty={say('jobs.none')}
    />
  );
};
