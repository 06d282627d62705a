import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Page } from '../../api/answers.ts';
import { get, type Query } from '../api.ts';
import { say } from '../language.ts';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import { ExportLinks } from './export-links.tsx';
import { type Filter, Filters, readFilters } from './filters.tsx';
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
}

interface ListQuery {
  path: string;
  filters: readonly Filter[];
  query: URLSearchParams;
  limit?: number;
}

/** A page of a list, as the address narrows it. */
export function useList<Row>({ path, filters, query, limit = 50 }: ListQuery): List<Row> {
  const asked: Query = { ...readFilters(filters, query), cursor: query.get('cursor') ?? undefined, limit };
  const again = isRefreshed.value ? refreshMs : 0;
  const { data, error, reload } = useLoad(
    (signal) => get<Page<Row>>(path, asked, signal),
    [again],
    () => again,
  );
  return { rows: data?.items, error, reload, next: data?.nextCursor ?? undefined };
}

/** For lists of what goes on: the table is read again every few seconds. */
export function RefreshSwitch() {
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
        <Pager first={isNarrowed ? page() : undefined} next={list.next && page(list.next)} />
        {exported && list.rows && list.rows.length > 0 && <ExportLinks path={exported} query={chosen} />}
      </div>
    </>
  );
}
