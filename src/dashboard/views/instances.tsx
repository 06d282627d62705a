import type { Instance } from '../../api/answers.ts';
import { apiUrl } from '../api.ts';
import { say } from '../language.ts';
import { nameProduct } from '../live/product-names.ts';
import { State } from '../parts/badge.tsx';
import { type Filter, readFilters } from '../parts/filters.tsx';
import { Head } from '../parts/head.tsx';
import { ListView, RefreshSwitch, useList } from '../parts/list-view.tsx';
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
  const chosen = readFilters(filters, query);
  return (
    <>
      <Head title={say('instances.title')}>
        <RefreshSwitch />
        {(['csv', 'ndjson'] as const).map((format) => (
          <a key={format} class="button" href={apiUrl('instances/export', { ...chosen, format })} download>
            {format.toUpperCase()}
          </a>
        ))}
      </Head>
      <ListView
        view="instances"
        title={say('instances.title')}
        {...{ list, filters, query }}
        columns={instanceColumns(list.rows)}
        empty={say('instances.none')}
      />
    </>
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
    { title: say('instance.source'), cell: ({ source }) => source },
    { title: say('instance.sourceId'), cell: ({ sourceId }) => <span class="id">{sourceId}</span> },
    { title: say('instance.product'), isText: true, cell: ({ productId }) => nameProduct(productId) },
    { title: say('instance.user'), isNumber: true, cell: ({ userId }) => userId },
  ];
}

export const show = (id: string | undefined): View => (id === undefined ? Instances : InstanceStoryView);
