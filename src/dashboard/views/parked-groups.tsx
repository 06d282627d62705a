import type { ParkedGroup, ParkedJob } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { formatCount } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { Action } from '../parts/action.tsx';
import type { Chosen } from '../parts/filters.tsx';
import { Age } from '../parts/moment.tsx';
import { type Notice, Noticed, useNotice } from '../parts/notice.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import { goTo } from '../where.ts';
import { askForReason } from './discard-reason.tsx';
import { findWay } from './parked-ways.ts';

/** What is parked, by reason, and both ways out of it for a whole group, as a job. Of items that are dealt with there are no groups. */
export function ParkedGroups({ chosen }: { chosen: Chosen }) {
  const notice = useNotice();
  const isParked = chosen.state === undefined;
  const { data } = useLoad(
    async (signal) =>
      isParked ? get<{ items: ParkedGroup[] }>('parked/groups', { ...chosen }, signal) : undefined,
    [],
    () => 5_000,
  );
  if (!data?.items.length) return null;
  return (
    <>
      <Table
        caption={say('parked.groups')}
        columns={groupColumns(chosen, notice)}
        rows={data.items}
        empty={say('parked.none')}
      />
      <Noticed notice={notice} />
    </>
  );
}

function groupColumns(chosen: Chosen, notice: Notice): Column<ParkedGroup>[] {
  return [
    {
      title: say('instance.reason'),
      isHead: true,
      cell: ({ reason, origin }) => (
        <a href={writeRoute('parked', undefined, { ...chosen, reason, origin })}>
          <code>{reason}</code>
        </a>
      ),
    },
    { title: say('parked.origin'), cell: ({ origin }) => sayCode('origin', origin) },
    { title: say('now.count'), isNumber: true, cell: ({ count }) => formatCount(count) },
    { title: say('now.oldest'), cell: ({ oldestAt }) => <Age iso={oldestAt} /> },
    {
      title: say('product.switch'),
      isText: true,
      cell: (group) => <GroupActions group={group} chosen={chosen} notice={notice} />,
    },
  ];
}

function GroupActions({ group, chosen, notice }: { group: ParkedGroup; chosen: Chosen; notice: Notice }) {
  const { reason, origin, count } = group;
  const start = async (action: ParkedJob['action'], why?: string) => {
    const filter = Object.fromEntries(
      Object.entries({ ...chosen, reason, origin }).filter(([, value]) => value),
    );
    const body = { action, filter, ...(why === undefined ? {} : { reason: why }) };
    const { id } = await post<ParkedJob>('parked/jobs', body);
    goTo('parked', `jobs/${id}`);
  };
  const discard = async () => {
    const title = say('parked.discardMany', { count: formatCount(count) });
    const why = await askForReason(title, say('parked.discardManyWarning'));
    if (why) await start('discard', why);
  };
  // Where no replay can succeed it is not offered for a whole group.
  const canReplay = !['never', 'userId', 'amount'].includes(findWay(reason));
  return (
    <span class="buttons">
      {canReplay && (
        <Action label={say('parked.replayAll')} about={reason} notice={notice} act={() => start('replay')} />
      )}
      <Action label={say('parked.discardAll')} about={reason} kind="danger" notice={notice} act={discard} />
    </span>
  );
}
