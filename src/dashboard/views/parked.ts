import type { Page, Parked, Replayed } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { make } from '../element.ts';
import { formatCount } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { explainScope, makeAction } from '../parts/action.ts';
import { makeBadge } from '../parts/badge.ts';
import { makeField, makeSelect } from '../parts/field.ts';
import { makeId } from '../parts/id.ts';
import { makeAge } from '../parts/moment.ts';
import { Notice } from '../parts/notice.ts';
import { makePager } from '../parts/pager.ts';
import { Selection } from '../parts/selection.ts';
import { makeWhat } from '../parts/server-text.ts';
import { type Column, Table } from '../parts/table.ts';
import { writeRoute } from '../route.ts';
import { askForReason } from './discard-reason.ts';
import type { View } from './view.ts';

const perPage = 100;
const filters = ['state', 'reason', 'origin'] as const;

/** What was set aside, and its two ways out. Several at once: each answers for itself. */
export const showParked: View = async (place, { query }, signal) => {
  const notice = new Notice();
  const selection = new Selection();
  const table = new Table(say('parked.title'), parkedColumns(selection), say('parked.none'));
  const pager = make('div');
  const chosen = Object.fromEntries(filters.map((name) => [name, query.get(name) ?? undefined]));

  const load = async () => {
    const cursor = query.get('cursor') ?? undefined;
    const page = await get<Page<Parked>>('parked', { ...chosen, cursor, limit: perPage }, signal);
    selection.offer(page.items.filter(({ state }) => state === 'PARKED').map(({ id }) => id));
    table.show(page.items);
    const nextCursor = page.nextCursor ?? undefined;
    const next = nextCursor && writeRoute('parked', undefined, { ...chosen, cursor: nextCursor });
    pager.replaceChildren(
      makePager({ first: cursor && writeRoute('parked', undefined, chosen), next: next || undefined }),
    );
  };
  const dealWith = async (verb: 'replay' | 'discard', more: object = {}) => {
    const { items } = await post<{ items: Replayed[] }>(`parked/${verb}`, { ids: selection.list(), ...more });
    await load();
    const stayed = items.filter(({ state }) => state === 'PARKED' || state === null);
    const outcomes = describeOutcomes(items, stayed);
    if (stayed.length === 0) notice.say(...outcomes);
    else notice.warn(...outcomes);
  };
  const replay = makeAction({
    label: say('parked.replaySelected'),
    kind: 'primary',
    id: 'replay-selected',
    notice,
    act: () => (selection.list().length === 0 ? notice.warn(say('parked.selectFirst')) : dealWith('replay')),
  });
  const discard = makeAction({
    label: say('parked.discardSelected'),
    kind: 'danger',
    id: 'discard-selected',
    notice,
    async act() {
      const count = selection.list().length;
      if (count === 0) return notice.warn(say('parked.selectFirst'));
      const reason = await askForReason(
        say('parked.discardMany', { count: formatCount(count) }),
        say('parked.discardManyWarning'),
      );
      if (reason) await dealWith('discard', { reason });
    },
  });
  place.append(
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('parked.title'))),
    makeFilter(query),
    make('div', { class: 'bulk' }, selection.summary, replay, discard, explainScope('act')),
    notice.element,
    table.element,
    pager,
  );
  await load().catch((error) => {
    if (!signal.aborted) notice.fail(error);
  });
};

function parkedColumns(selection: Selection): Column<Parked>[] {
  return [
    {
      title: say('parked.select'),
      cell: ({ id, state }) =>
        state === 'PARKED' ? selection.makeBox(id, say('parked.selectOne', { id })) : '',
    },
    {
      title: say('parked.item'),
      isHead: true,
      cell: ({ id }) => make('a', { href: writeRoute('parked', id) }, `#${id}`),
    },
    { title: say('instance.reason'), cell: ({ reason }) => make('code', {}, reason) },
    {
      title: say('parked.meaning'),
      isText: true,
      cell: ({ reason, detail }) => meaningOf(reason, detail),
    },
    {
      title: say('instance.source'),
      cell: ({ source, sourceId }) => make('span', {}, source, source && ' ', makeId(sourceId)),
      isText: true,
    },
    { title: say('parked.origin'), cell: ({ origin }) => sayCode('origin', origin) },
    { title: say('parked.parkedAt'), cell: ({ parkedAt }) => makeAge(parkedAt) },
    { title: say('instance.status'), cell: ({ state }) => makeBadge(state) },
  ];
}

/** In the reader's language where the reason is known, else what the server wrote down. */
export function meaningOf(reason: string, detail: string): string {
  const meaning = sayCode('reason', reason);
  return meaning === reason ? detail : meaning;
}

/** How many went where, and each that stayed with its reason. */
function describeOutcomes(items: readonly Replayed[], stayed: readonly Replayed[]): HTMLElement[] {
  const count = (state: Replayed['state']) =>
    formatCount(items.filter((item) => item.state === state).length);
  const summary = say('parked.outcome', {
    replayed: count('REPLAYED'),
    discarded: count('DISCARDED'),
    stayed: formatCount(stayed.length),
  });
  const reasons = stayed.map(({ id, detail, code }) => make('li', {}, `#${id}: `, makeWhat(code, detail)));
  return [make('span', {}, summary), ...(reasons.length > 0 ? [make('ul', {}, ...reasons)] : [])];
}

function makeFilter(query: URLSearchParams): HTMLElement {
  const chosen = (name: string) => query.get(name) ?? '';
  const states = ['', 'REPLAYED', 'DISCARDED', 'ALL'].map(
    (state) => [state, sayCode('state', state === '' ? 'PARKED' : state)] as const,
  );
  const origins = ['', 'STREAM', 'OUTBOX', 'RESULT', 'PAYMENT', 'COMPENSATION', 'DEAD_LETTER'].map(
    (origin) => [origin, origin === '' ? say('filter.any') : sayCode('origin', origin)] as const,
  );
  const form = make(
    'form',
    { class: 'filter' },
    makeField(say('instance.status'), makeSelect({ name: 'state' }, states, chosen('state'))),
    makeField(say('parked.origin'), makeSelect({ name: 'origin' }, origins, chosen('origin'))),
    makeField(
      say('instance.reason'),
      make('input', { name: 'reason', value: chosen('reason'), maxlength: 40 }),
    ),
    make('p', { class: 'buttons' }, make('button', { type: 'submit', id: 'filter' }, say('action.filter'))),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const text = (name: string) => String(data.get(name) ?? '').trim();
    const reason = text('reason').toUpperCase().replaceAll(' ', '_');
    location.hash = writeRoute('parked', undefined, { state: text('state'), origin: text('origin'), reason });
  });
  return form;
}
