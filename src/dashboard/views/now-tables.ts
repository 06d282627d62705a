import type { Now, NowRest } from '../../api/answers.ts';
import { make, setText } from '../element.ts';
import { formatCount, formatDuration, formatShare } from '../format.ts';
import { say, sayCode } from '../language.ts';
import type { SourceTotal } from '../live/second-book.ts';
import { makeToned } from '../parts/badge.ts';
import { makeAge } from '../parts/moment.ts';
import { type Column, Table } from '../parts/table.ts';
import { writeRoute } from '../route.ts';
import { sayStatement } from '../words/say-statement.ts';

type Waiting = NowRest['waiting'][number];
type Store = NowRest['stores'][number];

const places = ['stream', 'outbox', 'processing', 'parked'];

/** What waits where and the stores; by source and the last audit. */
export class NowTables {
  readonly #sources = new Table(say('now.bySource'), sourceColumns(), say('now.nothingYet'));
  readonly #waiting = new Table(say('now.waiting'), waitingColumns(), say('now.nothingYet'));
  readonly #stores = new Table(say('now.stores'), storeColumns(), say('now.nothingYet'));
  readonly #sourcesTitle = make('h2');
  readonly #audit = make('p', { class: 'audit' }, say('now.nothingYet'));
  /** On a phone these come first. */
  readonly health = make(
    'div',
    { class: 'panels' },
    makePanel(say('now.waiting'), this.#waiting.element),
    makePanel(say('now.stores'), this.#stores.element),
  );
  readonly rest = make(
    'div',
    { class: 'panels' },
    make(
      'section',
      { class: 'panel' },
      this.#sourcesTitle,
      this.#sources.element,
      make('small', {}, say('now.bySourceHint')),
    ),
    makePanel(say('now.lastAudit'), this.#audit),
  );

  #knownStores: readonly Store[] = [];
  #knownAudit: Now['audit'] | undefined;

  show({ at, waiting, stores, audit }: Now): void {
    const nowMs = Date.parse(at);
    this.#waiting.show(waiting.map((row) => ({ ...row, nowMs })));
    this.#showStores(stores);
    this.#showAudit(audit, nowMs);
  }

  showSources(sources: readonly SourceTotal[], seconds: number): void {
    setText(this.#sourcesTitle, say('now.bySourceOf', { duration: formatDuration(seconds * 1_000) }));
    this.#sources.show(sources);
  }

  /** What is not in `rest` is unknown at this moment; without `rest`, everything is. */
  showUnavailable(rest?: NowRest): void {
    const nowMs = Date.now();
    const known = new Map(rest?.waiting.map((each) => [each.what, each]));
    const unknown = { count: null, oldestAt: null };
    this.#waiting.show(places.map((what) => ({ ...(known.get(what) ?? { what, ...unknown }), nowMs })));
    this.#showStores(rest?.stores ?? this.#knownStores.map((store) => ({ ...store, ok: null, why: null })));
    if (this.#knownAudit === undefined) this.#audit.replaceChildren(say('now.unknown'));
    else this.#showAudit(this.#knownAudit, nowMs);
  }

  #showStores(stores: readonly Store[]): void {
    this.#knownStores = stores;
    this.#stores.show(stores);
  }

  #showAudit(audit: Now['audit'], nowMs: number): void {
    this.#knownAudit = audit;
    const link = make('a', { href: writeRoute('audit') }, say('now.auditDetails'));
    if (!audit) this.#audit.replaceChildren(say('now.noAudit'), ' ', link);
    else {
      const word = audit.ok
        ? makeToned('good', say('audit.holds'))
        : makeToned('bad', say('audit.exceptions', { count: formatCount(audit.exceptions) }));
      this.#audit.replaceChildren(word, ' ', makeAge(audit.auditedAt, nowMs), ' ', link);
    }
  }
}

function makePanel(title: string, ...content: HTMLElement[]): HTMLElement {
  return make('section', { class: 'panel' }, make('h2', {}, title), ...content);
}

function sourceColumns(): Column<SourceTotal>[] {
  const count = (title: string, pick: (row: SourceTotal) => number): Column<SourceTotal> => ({
    title,
    isNumber: true,
    cell: (row) => formatCount(pick(row)),
  });
  return [
    { title: say('instance.source'), isHead: true, cell: ({ source }) => source },
    count(say('now.purchases'), ({ purchases }) => purchases),
    count(say('state.SUCCESS'), ({ instances }) => instances),
    count(say('state.FAILED'), ({ failed }) => failed),
    {
      title: say('now.successRate'),
      isNumber: true,
      cell: ({ instances, failed }) => formatShare(instances, instances + failed),
    },
  ];
}

function waitingColumns(): Column<Waiting & { nowMs: number }>[] {
  return [
    { title: say('now.where'), isHead: true, cell: ({ what }) => nameWaiting(what) },
    {
      title: say('now.count'),
      isNumber: true,
      cell: ({ count }) => (count === null ? '–' : formatCount(count)),
    },
    {
      title: say('now.oldest'),
      isNumber: true,
      cell: ({ oldestAt, nowMs }) => (oldestAt ? makeAge(oldestAt, nowMs) : '–'),
    },
  ];
}

const ways: Record<string, string> = {
  processing: writeRoute('instances', undefined, { status: 'PROCESSING' }),
  parked: writeRoute('parked'),
};

function nameWaiting(what: string): HTMLElement | string {
  const name = sayCode('waiting', what);
  return ways[what] ? make('a', { href: ways[what] }, name) : name;
}

function storeColumns(): Column<Store>[] {
  return [
    { title: say('now.store'), isHead: true, cell: ({ name }) => sayCode('store', name) },
    { title: say('now.kind'), cell: ({ kind }) => sayCode('kind', kind) },
    {
      title: say('now.health'),
      isText: true,
      cell: ({ ok, why }) => make('span', {}, makeHealth(ok), why ? ` ${sayStatement(why)}` : ''),
    },
  ];
}

function makeHealth(ok: boolean | null): HTMLElement {
  if (ok === null) return makeToned('quiet', say('now.unknown'));
  return ok ? makeToned('good', say('now.ok')) : makeToned('bad', say('now.unavailable'));
}
