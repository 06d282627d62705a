import type { ParkedGroup } from '../../api/answers.ts';
import { get } from '../api.ts';
import { formatCount } from '../format.ts';
import { say, sayCode } from '../language.ts';
import type { Chosen } from '../parts/filters.tsx';
import { Age } from '../parts/moment.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';

/** Counting a million items takes the database half a second. */
const everyMs = 15_000;

/** What waits, by reason, and how many in all; undefined: not counted yet, and of items that were replayed or discarded. */
export function useGroups(chosen: Chosen) {
  const isParked = !chosen.state || chosen.state === 'PARKED';
  const { data, reload } = useLoad(
    async (signal) =>
      isParked ? get<{ items: ParkedGroup[] }>('parked/groups', { ...chosen }, signal) : undefined,
    [],
    () => everyMs,
  );
  const matched = data?.items.reduce((sum, { count }) => sum + count, 0);
  return { groups: data?.items, matched, isParked, reload };
}

/** Each leads to its items. */
export function ParkedGroups({
  chosen,
  groups,
}: {
  chosen: Chosen;
  groups: readonly ParkedGroup[] | undefined;
}) {
  if (!groups?.length) return null;
  return (
    <Table
      caption={say('parked.groups')}
      columns={groupColumns(chosen)}
      rows={groups}
      empty={say('parked.none')}
    />
  );
}

function groupColumns(chosen: Chosen): Column<ParkedGroup>[] {
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
  ];
}
