import type { Instance } from '../../api/answers.ts';
import { say } from '../language.ts';
import { nameProduct } from '../live/product-names.ts';
import { State } from '../parts/badge.tsx';
import type { Filter } from '../parts/filters.tsx';
import { Id } from '../parts/id.tsx';
import { ListPage, useList } from '../parts/list-view.tsx';
import { Moment } from '../parts/moment.tsx';
import type { Column } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import type { View } from '../views.ts';
import { sayReason } from '../words/say-statement.ts';
import { InstanceStoryView } from './instance.tsx';

/** Any instance by any of its ids. */
const Instances: View = ({ query }) => {
  const filters = instanceFilters();
  const list = useList<Instance>({ path: 'instances', filters, query });
  return (
    <ListPage
      view="instances"
      title={say('instances.title')}
      {...{ list, filters, query }}
      columns={instanceColumns(list.rows)}
      empty={say('instances.none')}
      exported="instances"
    />
  );
};

function instanceFilters(): Filter[] {
  return [
    { name: 'q', label: say('instances.search'), kind: 'search' },
    {
      name: 'status',
      label: say('instance.status'),
      options: { words: 'state', codes: ['PROCESSING', 'SUCCESS', 'FAILED'] },
    },
    { name: 'overdue', label: say('waiting.overdue'), options: { words: 'flag', codes: ['true'] } },
    { name: 'source', label: say('instance.source'), kind: 'code', maxLength: 20 },
    { name: 'productId', label: say('instance.product'), kind: 'id' },
    { name: 'userId', label: say('instance.user'), kind: 'id' },
    { name: 'from', label: say('filter.from'), kind: 'time' },
    { name: 'to', label: say('filter.to'), kind: 'time' },
  ];
}

function instanceColumns(rows: readonly Instance[] = []): (Column<Instance> | false)[] {
  return [
    {
      title: say('instance.id'),
      isHead: true,
      cell: ({ instanceId }) => <a href={writeRoute('instances', instanceId)}>{instanceId}</a>,
    },
    { title: say('instance.created'), cell: ({ createdAt }) => <Moment iso={createdAt} /> },
    { title: say('instance.status'), cell: ({ status }) => <State of={status} /> },
    rows.some(({ reason }) => reason) && {
      title: say('instance.reason'),
      isText: true,
      cell: ({ reason }) => reason && sayReason(reason),
    },
    {
      title: say('instance.source'),
      cell: ({ source, sourceId }) => (
        <>
          <span class="id">{source}</span> <Id text={sourceId} />
        </>
      ),
    },
    { title: say('instance.product'), isText: true, cell: ({ productId }) => nameProduct(productId) },
    { title: say('instance.user'), isNumber: true, cell: ({ userId }) => <Id text={userId} /> },
  ];
}

export const show = (id: string | undefined): View => (id === undefined ? Instances : InstanceStoryView);
