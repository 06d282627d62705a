import type { ComponentChildren } from 'preact';
import type { NowRest } from '../../api/answers.ts';
import { formatCount, formatDuration, formatShare } from '../format.ts';
import { say, sayCode } from '../language.ts';
import type { SourceTotal } from '../live/second-book.ts';
import { Badge } from '../parts/badge.tsx';
import { Age } from '../parts/moment.tsx';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import { sayStatement } from '../words/say-statement.ts';
import type { Known } from './now.tsx';
import { listSince } from './now-tiles.tsx';

type Waiting = NowRest['waiting'][number];
type Store = NowRest['stores'][number];

const places = ['stream', 'outbox', 'processing', 'overdue', 'parked', 'refunds'];

/** What waits where, and the stores. What is not reported is unknown at this moment. */
export function Health({ known: { now, rest, stores } }: { known: Known }) {
  const nowMs = now ? Date.parse(now.at) : Date.now();
  const reported = rest?.waiting ?? [];
  const names = [...new Set([...places, ...reported.map(({ what }) => what)])];
  const waiting = names.map(
    (what) => reported.find((each) => each.what === what) ?? { what, count: null, oldestAt: null },
  );
  const nothingYet = say('now.nothingYet');
  return (
    <div class="panels">
      <Panel title={say('now.waiting')}>
        <Table
          caption={say('now.waiting')}
          columns={waitingColumns(nowMs)}
          rows={waiting}
          empty={nothingYet}
        />
      </Panel>
      <Panel title={say('now.stores')}>
        <Table caption={say('now.stores')} columns={storeColumns()} rows={stores} empty={nothingYet} />
      </Panel>
    </div>
  );
}

/** The list of what waits there; with `oldestAt` it begins with the one that has waited longest. */
function wayTo(what: string, oldestAt?: string): string | undefined {
  if (what === 'parked' || what === 'refunds') return writeRoute(what);
  if (what !== 'processing' && what !== 'overdue') return undefined;
  const to = oldestAt && new Date(Date.parse(oldestAt) + 1).toISOString();
  return writeRoute('instances', undefined, {
    ...(what === 'overdue' ? { overdue: 'true' } : { status: 'PROCESSING' }),
    to,
  });
}

function waitingColumns(nowMs: number): Column<Waiting>[] {
  const linked = (href: string | undefined, content: ComponentChildren) =>
    href ? <a href={href}>{content}</a> : content;
  return [
    {
      title: say('now.where'),
      isHead: true,
      cell: ({ what }) => linked(wayTo(what), sayCode('waiting', what)),
    },
    {
      title: say('now.count'),
      isNumber: true,
      cell: ({ count }) => (count === null ? '–' : formatCount(count)),
    },
    {
      title: say('now.oldest'),
      isNumber: true,
      cell: ({ what, oldestAt }) =>
        oldestAt ? linked(wayTo(what, oldestAt), <Age iso={oldestAt} nowMs={nowMs} />) : '–',
    },
  ];
}

function storeColumns(): Column<Store>[] {
  return [
    { title: say('now.store'), isHead: true, cell: ({ name }) => sayCode('store', name) },
    { title: say('now.kind'), cell: ({ kind }) => sayCode('kind', kind) },
    {
      title: say('now.health'),
      isText: true,
      cell: ({ ok, why }) => (
        <>
          {ok === null && <Badge tone="quiet">{say('now.unknown')}</Badge>}
          {ok === true && <Badge tone="good">{say('now.ok')}</Badge>}
          {ok === false && <Badge tone="bad">{say('now.unavailable')}</Badge>} {why && sayStatement(why)}
        </>
      ),
    },
  ];
}

/** What was bought and what was settled in the window; each count leads to its list. */
export function BySource({ totals, seconds }: { totals: readonly SourceTotal[]; seconds: number }) {
  const count = (title: string, pick: (row: SourceTotal) => number, more: Record<string, string> = {}) => ({
    title,
    isNumber: true,
    cell: (row: SourceTotal) => (
      <a href={listSince(undefined, seconds, { source: row.source, ...more })}>{formatCount(pick(row))}</a>
    ),
  });
  const columns: Column<SourceTotal>[] = [
    { title: say('instance.source'), isHead: true, cell: ({ source }) => source },
    count(say('now.purchases'), ({ purchases }) => purchases),
    count(say('state.SUCCESS'), ({ instances }) => instances, { status: 'SUCCESS' }),
    count(say('state.FAILED'), ({ failed }) => failed, { status: 'FAILED' }),
    {
      title: say('now.successRate'),
      isNumber: true,
      cell: ({ instances, failed }) => formatShare(instances, instances + failed),
    },
  ];
  return (
    <Panel title={say('now.bySourceOf', { duration: formatDuration(seconds * 1_000) })}>
      <Table caption={say('now.bySource')} columns={columns} rows={totals} empty={say('now.nothingYet')} />
      <small>{say('now.bySourceHint')}</small>
    </Panel>
  );
}

export function LastAudit({ known: { audit, now, rest } }: { known: Known }) {
  const unknown = say(now || rest ? 'now.unknown' : 'now.nothingYet');
  return (
    <Panel title={say('now.lastAudit')}>
      <p class="audit">
        {audit === undefined && unknown}
        {audit === null && say('now.noAudit')}
        {audit?.ok === true && <Badge tone="good">{say('audit.holds')}</Badge>}
        {audit?.ok === false && (
          <Badge tone="bad">{say('audit.exceptions', { count: formatCount(audit.exceptions) })}</Badge>
        )}{' '}
        {audit && <Age iso={audit.auditedAt} {...(now ? { nowMs: Date.parse(now.at) } : {})} />}{' '}
        <a href={writeRoute('audit')}>{say('now.auditDetails')}</a>
      </p>
    </Panel>
  );
}
