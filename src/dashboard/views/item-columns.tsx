import { foreign, say, sayCode } from '../language.ts';
import type { Column } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';

/** Of a parked item: its number, why it is parked, and the detail as the server wrote it down. */
export function itemColumns<Item extends { id: string; detail: string }>(
  codeOf: (item: Item) => string,
): Column<Item>[] {
  return [
    {
      title: say('parked.item'),
      isHead: true,
      cell: ({ id }) => <a href={writeRoute('parked', id)}>#{id}</a>,
    },
    {
      title: say('instance.reason'),
      isText: true,
      cell: (item) => (
        <>
          <code>{codeOf(item)}</code> {meaningOf(codeOf(item), item.detail)}
        </>
      ),
    },
    { title: say('parked.detail'), isText: true, cell: ({ detail }) => <span {...foreign()}>{detail}</span> },
  ];
}

/** Of the reason of a parked item, in the reader's language where it is known, else what the server wrote down. */
export function meaningOf(reason: string, detail: string): string {
  const meaning = sayCode('reason', reason);
  return meaning === reason ? detail : meaning;
}
