import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Page, Total } from '../../api/answers.ts';
import { get, type Query } from '../api.ts';
import { formatCount } from '../format.ts';
import { say } from '../language.ts';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import { ExportLinks } from './export-links.tsx';
import { type Filter, Filters, readFilters } from './filters.tsx';
import { Head } from './head.tsx';
import { Failure } from './notice.tsx';
import { Pager } from './pager.tsx';
import { type Column, Table } from './table.tsx';

const refreshMs = 5_000;
/** In every list, while the page is open. */
const isRefreshed = signal(false);

export interface List<Row> {
  /** undefined: not loaded yet. */
  rows: readonly Row[] | undefined;
  error: unknown;
  reload: () => Promise<void>;
  next: string | undefined;
  /** Of the filter; undefined for a list without one. */
  total: Total | undefined;
}

interface ListQuery {
  path: string;
  filters: readonly Filter[];
  query: URLSearchParams;
  limit?: number;
  /** false: the API does not count this list. */
  isCounted?: boolean;
  /** Loaded again when it changes. */
  version?: unknown;
}

/** A page of a list, as the address narrows it. */
export function useList<Row>({
  path,
  filters,
  query,
  limit = 50,
  isCounted = true,
  version,
}: ListQuery): List<Row> {
  const total = isCounted ? 'true' : undefined;
  const cursor = query.get('cursor') ?? undefined;
  const asked: Query = { ...readFilters(filters, query), cursor, limit, total };
  const again = isRefreshed.value ? refreshMs : 0;
  const { data, error, reload } = useLoad(
    (signal) => get<Page<Row>>(path, asked, signal),
    [again, version],
    () => again,
  );
  return { rows: data?.items, error, reload, next: data?.nextCursor ?? undefined, total: data?.total };
}

interface ListViewProps<Row> {
  view: string;
  title: string;
  list: List<Row>;
  filters: readonly Filter[];
  query: URLSearchParams;
  columns: readonly (Column<Row> | false)[];
  empty: ComponentChildren;
  /** The path of the list in the API, where it can be exported. */
  exported?: string;
  /** Between the filters and the table. */
  children?: ComponentChildren;
}

/** Filters, table and pager. */
export function ListView<Row>({
  view,
  title,
  list,
  filters,
  query,
  columns,
  empty,
  exported,
  children,
}: ListViewProps<Row>) {
  const chosen = readFilters(filters, query);
  const isNarrowed = query.has('cursor');
  const page = (cursor?: string) => writeRoute(view, undefined, { ...chosen, cursor });
  return (
    <>
      {filters.length > 0 && <Filters view={view} filters={filters} query={query} />}
      {children}
      <Failure error={list.error} />
      {(list.rows || list.error === undefined) && (
        <Table caption={title} columns={columns} rows={list.rows} empty={empty} />
      )}
      <div class="foot">
        {list.total && list.total.count > 0 && (
          <span id="total" class="soft">
            {sayTotal(list.total)}
          </span>
        )}
        <Pager first={isNarrowed ? page() : undefined} next={list.next && page(list.next)} />
        {exported && list.rows && list.rows.length > 0 && <ExportLinks path={exported} query={chosen} />}
      </div>
    </>
  );
}

interface ListPageProps<Row> extends ListViewProps<Row> {
  trail?: ComponentChildren;
  /** Next to the title. */
  beside?: ComponentChildren;
}

/** A view that is a list of what goes on: the table can be read again every few seconds. */
export function ListPage<Row>({ trail, beside, ...list }: ListPageProps<Row>) {
  return (
    <>
      <Head title={list.title} trail={trail}>
        <RefreshSwitch />
        {beside}
      </Head>
      <ListView {...list} />
    </>
  );
}

function RefreshSwitch() {
  return (
    <label class="switch">
      <input
        type="checkbox"
        id="refresh"
        checked={isRefreshed.value}
        onChange={(event) => {
          isRefreshed.value = event.currentTarget.checked;
        }}
      />{' '}
      {say('list.refresh')}
    </label>
  );
}

function sayTotal({ count, isExact }: Total): string {
  return say(isExact ? 'list.total' : 'list.moreThan', { count: formatCount(count) });
}
