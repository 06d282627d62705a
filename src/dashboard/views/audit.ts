import type { Audit } from '../../api/answers.ts';
import { get } from '../api.ts';
import { make } from '../element.ts';
import { formatCount, formatDuration } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { makeAction } from '../parts/action.ts';
import { makeToned } from '../parts/badge.ts';
import { makeFacts } from '../parts/facts.ts';
import { makeMoment } from '../parts/moment.ts';
import { Notice } from '../parts/notice.ts';
import { type Column, Table } from '../parts/table.ts';
import { sayAuditAdvice, sayInvariant, sayStatement } from '../words/say-statement.ts';
import type { View } from './view.ts';

type Sum = Audit['sums'][number];

/** Every sum that must hold, counted now. */
export const showAudit: View = async (place, _, signal) => {
  const notice = new Notice();
  const verdict = make('p', { class: 'state', role: 'status' });
  const table = new Table(say('audit.sums'), sumColumns(), say('audit.none'));
  const exceptions = make('div');
  const underWay = make('div');
  const load = async (query = {}) => {
    const audit = await get<Audit>('audit', query, signal);
    const count = audit.sums.reduce((total, sum) => total + sum.exceptions.length, 0);
    verdict.replaceChildren(
      audit.ok
        ? makeToned('good', say('audit.holds'))
        : makeToned('bad', say('audit.exceptions', { count: formatCount(count) })),
      ' ',
      makeMoment(audit.auditedAt),
      ` · ${say('audit.took', { duration: formatDuration(audit.durationMs) })}`,
    );
    table.show(audit.sums);
    exceptions.replaceChildren(...audit.sums.flatMap(describeExceptions));
    underWay.replaceChildren(...describeUnderWay(audit.waiting));
  };
  place.append(
    make(
      'div',
      { class: 'head' },
      make('h1', { tabindex: -1 }, say('audit.title')),
      makeAction({ label: say('audit.again'), id: 'audit-again', scope: 'read', notice, act: () => load() }),
      makeAction({ label: say('audit.full'), scope: 'act', notice, act: () => load({ full: 'true' }) }),
    ),
    verdict,
    notice.element,
    table.element,
    exceptions,
    underWay,
  );
  await load().catch((error) => {
    if (!signal.aborted) notice.fail(error);
  });
};

function sumColumns(): Column<Sum>[] {
  return [
    { title: say('audit.sum'), isHead: true, cell: ({ name }) => sayCode('sum', name) },
    {
      title: say('audit.invariant'),
      isText: true,
      cell: ({ name, note }) => sayInvariant(name) + (note ? `. ${sayStatement(note)}` : ''),
    },
    { title: say('audit.expected'), isNumber: true, cell: ({ expected }) => formatCount(expected) },
    { title: say('audit.actual'), isNumber: true, cell: ({ actual }) => formatCount(actual) },
    { title: say('audit.difference'), isNumber: true, cell: ({ difference }) => formatCount(difference) },
    {
      title: say('instance.status'),
      cell: ({ difference, exceptions }) =>
        difference === 0 && exceptions.length === 0
          ? makeToned('good', say('audit.holdsOne'))
          : makeToned('bad', say('audit.breaks')),
    },
  ];
}

function describeExceptions({ name, exceptions }: Sum): HTMLElement[] {
  if (exceptions.length === 0) return [];
  const items = exceptions.map((exception) => {
    const text = ` ${sayStatement(exception)}. ${sayAuditAdvice(exception)}`;
    return make('li', {}, make('strong', {}, exception.id), text);
  });
  return [make('h2', {}, sayCode('sum', name)), make('ul', { class: 'exceptions' }, ...items)];
}

/** No mistake, but worth a look when it grows. */
function describeUnderWay(waiting: Audit['waiting']): HTMLElement[] {
  const facts = Object.entries(waiting).map(
    ([what, count]) => [sayCode('underWay', what), formatCount(count)] as const,
  );
  return [make('h2', { class: 'apart' }, say('audit.underWay')), makeFacts(facts)];
}
