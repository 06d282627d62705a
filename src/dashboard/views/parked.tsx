import { useState } from 'preact/hooks';
import type { Parked, Replayed } from '../../api/answers.ts';
import { post } from '../api.ts';
import { formatCount } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { Action, ScopeNeeded } from '../parts/action.tsx';
import { State } from '../parts/badge.tsx';
import { type Filter, readFilters } from '../parts/filters.tsx';
import { Id } from '../parts/id.tsx';
import { ListPage, useList } from '../parts/list-view.tsx';
import { Age } from '../parts/moment.tsx';
import { Noticed, useNotice } from '../parts/notice.tsx';
import { What } from '../parts/server-text.tsx';
import type { Column } from '../parts/table.tsx';
import type { View } from '../views.ts';
import { askForDiscard } from './ask-reason.tsx';
import { itemColumns } from './item-columns.tsx';
import { ParkedGroups, useGroups } from './parked-groups.tsx';
import { ParkedItemView } from './parked-item.tsx';
import { ParkedJobView } from './parked-job.tsx';
import { LatestJobs, ParkedJobsView } from './parked-jobs.tsx';
import { findWay } from './parked-ways.ts';
import { StartJob } from './start-job.tsx';

const origins = ['STREAM', 'OUTBOX', 'RESULT', 'PAYMENT', 'COMPENSATION', 'DEAD_LETTER'];

/** What was set aside, and its two ways out. Several at once: each answers for itself. */
const ParkedList: View = ({ query }) => {
  const filters = parkedFilters();
  const given = readFilters(filters, query);
  const { groups, matched, isParked, reload: count } = useGroups(given);
  const loaded = useList<Parked>({ path: 'parked', filters, query, limit: 100, isCounted: !isParked });
  const list = matched === undefined ? loaded : { ...loaded, total: { count: matched, isExact: true } };
  const notice = useNotice();
  const reload = () => Promise.all([list.reload(), count()]);
  const [selected, setSelected] = useState<readonly string[]>([]);
  const open = (list.rows ?? []).filter(({ state }) => state === 'PARKED');
  const offered = open.map(({ id }) => id);
  // What is gone is no longer chosen.
  const chosen = selected.filter((id) => offered.includes(id));
  const canSucceed = open.some(({ id, reason }) => chosen.includes(id) && findWay(reason) === 'replay');
  const select = (id: string, isOn: boolean) =>
    setSelected(isOn ? [...chosen, id] : chosen.filter((each) => each !== id));

  const dealWith = async (verb: 'replay' | 'discard', more: object = {}) => {
    const { items } = await post<{ items: Replayed[] }>(`parked/${verb}`, { ids: chosen, ...more });
    await reload();
    const stayed = items.filter(({ state }) => state === 'PARKED' || state === null);
    const outcomes = <Outcomes items={items} stayed={stayed} />;
    if (stayed.length === 0) notice.say(outcomes);
    else notice.warn(outcomes);
  };
  const replay = () => (chosen.length === 0 ? notice.warn(say('parked.selectFirst')) : dealWith('replay'));
  const discard = async () => {
    if (chosen.length === 0) return notice.warn(say('parked.selectFirst'));
    const title = say('parked.discardMany', { count: formatCount(chosen.length) });
    const reason = await askForDiscard(title, say('parked.discardManyWarning'));
    if (reason) await dealWith('discard', { reason });
  };
  return (
    <ListPage
      view="parked"
      title={say('parked.title')}
      {...{ list, filters, query }}
      columns={parkedColumns(chosen, select)}
      empty={say(Object.values(given).some(Boolean) ? 'parked.noneMatches' : 'parked.none')}
      exported="parked"
    >
      <ParkedGroups chosen={given} groups={groups} />
      <StartJob chosen={given} {...{ matched, notice, reload }} />
      <LatestJobs />
      <div class="bulk">
        <span class="selection">
          <label>
            <input
              type="checkbox"
              id="select-all"
              disabled={offered.length === 0}
              checked={offered.length > 0 && chosen.length === offered.length}
              indeterminate={chosen.length > 0 && chosen.length < offered.length}
              onChange={(event) => setSelected(event.currentTarget.checked ? offered : [])}
            />{' '}
            {say('parked.selectAll')}
          </label>
          <span role="status">{say('parked.selected', { count: formatCount(chosen.length) })}</span>
        </span>
        <Action
          label={say('parked.replaySelected')}
          kind={canSucceed ? 'primary' : 'plain'}
          id="replay-selected"
          notice={notice}
          act={replay}
        />
        <Action
          label={say('parked.discardSelected')}
          kind="danger"
          id="discard-selected"
          notice={notice}
          act={discard}
        />
        <ScopeNeeded scope="act" />
      </div>
      <Noticed notice={notice} />
    </ListPage>
  );
};

function parkedFilters(): Filter[] {
  return [
    {
      name: 'state',
      label: say('instance.status'),
      options: { words: 'state', codes: ['REPLAYED', 'DISCARDED', 'ALL'], first: 'PARKED' },
    },
    { name: 'origin', label: say('parked.origin'), options: { words: 'origin', codes: origins } },
    { name: 'reason', label: say('instance.reason'), kind: 'code', maxLength: 40 },
    { name: 'source', label: say('instance.source'), kind: 'code', maxLength: 20 },
    { name: 'scope', label: say('instance.scope'), maxLength: 512 },
  ];
}

function parkedColumns(
  chosen: readonly string[],
  select: (id: string, isOn: boolean) => void,
): Column<Parked>[] {
  return [
    {
      title: say('parked.select'),
      cell: ({ id, state }) =>
        state === 'PARKED' && (
          <input
            type="checkbox"
            aria-label={say('parked.selectOne', { id })}
            checked={chosen.includes(id)}
            onChange={(event) => select(id, event.currentTarget.checked)}
          />
        ),
    },
    ...itemColumns<Parked>(({ reason }) => reason),
    {
      title: say('instance.source'),
      isText: true,
      cell: ({ source, sourceId }) => (
        <>
          {source} <Id text={sourceId} />
        </>
      ),
    },
    { title: say('parked.origin'), cell: ({ origin }) => sayCode('origin', origin) },
    { title: say('parked.parkedAt'), cell: ({ parkedAt }) => <Age iso={parkedAt} /> },
    { title: say('instance.status'), cell: ({ state }) => <State of={state} /> },
  ];
}

/** How many went where, and each that stayed with its reason. */
function Outcomes({ items, stayed }: { items: readonly Replayed[]; stayed: readonly Replayed[] }) {
  const count = (state: Replayed['state']) =>
    formatCount(items.filter((item) => item.state === state).length);
  const counts = {
    replayed: count('REPLAYED'),
    discarded: count('DISCARDED'),
    stayed: formatCount(stayed.length),
  };
  return (
    <>
      <span>{say('parked.outcome', counts)}</span>
      {stayed.length > 0 && (
        <ul>
          {stayed.map(({ id, detail, code }) => (
            <li key={id}>
              #{id}: <What detail={detail} code={code} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

export const show = (id: string | undefined): View => {
  if (id === undefined) return ParkedList;
  if (id === 'jobs') return ParkedJobsView;
  return id.startsWith('jobs/') ? ParkedJobView : ParkedItemView;
};
