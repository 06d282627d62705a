import type { Now } from '../answers.ts';
import { make } from '../element.ts';
import { formatCount, formatShare } from '../format.ts';
import { say, sayCode } from '../language.ts';
import type { SourceTotal } from '../live/second-book.ts';
import { makeToned } from '../parts/badge.ts';
import { makeAge } from '../parts/moment.ts';
import { type Column, Table } from '../parts/table.ts';
import { writeRoute } from '../route.ts';

type Waiting = Now['waiting'][number];
type Store = Now['stores'][number];

/** By source, what waits where, the stores, the last audit. */
export class NowTables {
  readonly #sources = new Table(say('now.bySource'), sourceColumns(), say('now.nothingYet'));
  readonly #waiting = new Table(say('now.waiting'), waitingColumns(), say('now.nothingYet'));
  readonly #stores = new Table(say('now.stores'), storeColumns(), say('now.nothingYet'));
  readonly #held = make('p', { class: 'notice warn', hidden: true }, say('now.intakeHeld'));
  readonly #audit = make('p', { class: 'audit' }, say('now.nothingYet'));
  readonly element = make(
    'div',
    { class: 'panels' },
    makePanel(say('now.waiting'), this.#held, this.#waiting.element),
    makePanel(say('now.bySource'), this.#sources.element),
    makePanel(say('now.stores'), this.#stores.element),
    makePanel(say('now.lastAudit'), this.#audit),
  );

  show({ at, waiting, stores, intakeHeld, audit }: Now, sources: readonly SourceTotal[]): void {
    const nowMs = Date.parse(at);
    this.#held.hidden = !intakeHeld;
    this.#sources.show(sources);
    this.#waiting.show(waiting.map((row) => ({ ...row, nowMs })));
    this.#stores.show(stores);
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
      cell: ({ ok, why }) => make('span', {}, makeHealth(ok), why ? ` ${why}` : ''),
    },
  ];
}

function makeHealth(ok: boolean | null): HTMLElement {
  if (ok === null) return makeToned('quiet', say('now.unknown'));
  return ok ? makeToned('good', say('now.ok')) : makeToned('bad', say('now.away'));
}
