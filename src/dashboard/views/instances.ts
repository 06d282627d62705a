import type { Instance, Page } from '../../api/answers.ts';
import { get } from '../api.ts';
import { make } from '../element.ts';
import { fromLocalInput, toLocalInput } from '../format.ts';
import { say } from '../language.ts';
import { makeBadge } from '../parts/badge.ts';
import { makeField, makeSelect } from '../parts/field.ts';
import { makeId } from '../parts/id.ts';
import { makeMoment } from '../parts/moment.ts';
import { Notice } from '../parts/notice.ts';
import { makePager } from '../parts/pager.ts';
import { type Column, Table } from '../parts/table.ts';
import { writeRoute } from '../route.ts';
import { sayReason } from '../words/say-statement.ts';
import type { View } from './view.ts';

const perPage = 50;
const filters = ['q', 'source', 'status', 'productId', 'from', 'to'] as const;

/** Any instance by any of its ids. The search stands in the address, so it can be linked and gone back to. */
export const showInstances: View = async (place, { query }, signal) => {
  const notice = new Notice();
  const table = new Table(say('instances.title'), instanceColumns(), say('instances.none'));
  const pager = make('div');
  place.append(
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('instances.title'))),
    makeSearch(query),
    notice.element,
    table.element,
    pager,
  );
  const chosen = Object.fromEntries(filters.map((name) => [name, query.get(name) ?? undefined]));
  try {
    const cursor = query.get('cursor') ?? undefined;
    const page = await get<Page<Instance>>('instances', { ...chosen, cursor, limit: perPage }, signal);
    table.show(page.items);
    pager.replaceWith(
      makePager({
        first: cursor === undefined ? undefined : writeRoute('instances', undefined, chosen),
        next: page.nextCursor
          ? writeRoute('instances', undefined, { ...chosen, cursor: page.nextCursor })
          : undefined,
      }),
    );
  } catch (error) {
    if (!signal.aborted) notice.fail(error);
  }
};

function instanceColumns(): Column<Instance>[] {
  return [
    {
      title: say('instance.id'),
      isHead: true,
      cell: ({ instanceId }) => make('a', { href: writeRoute('instances', instanceId) }, instanceId),
    },
    { title: say('instance.status'), cell: ({ status }) => makeBadge(status) },
    { title: say('instance.reason'), isText: true, cell: ({ reason }) => (reason ? sayReason(reason) : '') },
    { title: say('instance.source'), cell: ({ source }) => source },
    { title: say('instance.sourceId'), cell: ({ sourceId }) => makeId(sourceId) },
    { title: say('instance.product'), isNumber: true, cell: ({ productId }) => productId },
    { title: say('instance.user'), isNumber: true, cell: ({ userId }) => userId },
    { title: say('instance.created'), cell: ({ createdAt }) => makeMoment(createdAt) },
  ];
}

function makeSearch(query: URLSearchParams): HTMLElement {
  const value = (name: string) => query.get(name) ?? '';
  const local = (name: string) => (value(name) === '' ? '' : toLocalInput(new Date(value(name))));
  const status = makeSelect(
    { name: 'status' },
    [
      ['', say('filter.any')],
      ...(['PROCESSING', 'SUCCESS', 'FAILED'] as const).map((name) => [name, say(`state.${name}`)] as const),
    ],
    value('status'),
  );
  const search = { type: 'search', name: 'q', maxlength: 64, autocomplete: 'off', spellcheck: 'false' };
  const form = make(
    'form',
    { class: 'filter', role: 'search' },
    make(
      'div',
      { class: 'search' },
      makeField(say('instances.search'), make('input', { ...search, value: value('q') })),
    ),
    makeField(say('instance.status'), status),
    makeField(
      say('instance.source'),
      make('input', { name: 'source', value: value('source'), maxlength: 20, class: 'short' }),
    ),
    makeField(
      say('instance.product'),
      make('input', { name: 'productId', value: value('productId'), inputmode: 'numeric', class: 'short' }),
    ),
    makeField(
      say('filter.from'),
      make('input', { name: 'from', type: 'datetime-local', value: local('from') }),
    ),
    makeField(say('filter.to'), make('input', { name: 'to', type: 'datetime-local', value: local('to') })),
    make(
      'p',
      { class: 'buttons' },
      make('button', { type: 'submit', class: 'primary', id: 'search' }, say('action.search')),
      make('a', { href: writeRoute('instances'), class: 'button' }, say('action.clear')),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = writeRoute('instances', undefined, readSearch(new FormData(form)));
  });
  return form;
}

/** Times go into the address in UTC: the link may be opened in another time zone. */
function readSearch(data: FormData): Record<string, string | undefined> {
  const text = (name: string) => String(data.get(name) ?? '').trim();
  return {
    q: text('q'),
    source: text('source').toUpperCase(),
    status: text('status'),
    productId: text('productId'),
    from: fromLocalInput(text('from'))?.toISOString(),
    to: fromLocalInput(text('to'))?.toISOString(),
  };
}
