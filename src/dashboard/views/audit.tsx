import { useRef } from 'preact/hooks';
import type { Audit, AuditSum } from '../../api/answers.ts';
import { get, type Query } from '../api.ts';
import { formatCount, formatDuration } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { Action } from '../parts/action.tsx';
import { Badge } from '../parts/badge.tsx';
import { Copy } from '../parts/copy.tsx';
import { Facts } from '../parts/facts.tsx';
import { Head } from '../parts/head.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failure, Noticed, useNotice } from '../parts/notice.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { sayAuditAdvice, sayInvariant, sayStatement } from '../words/say-statement.ts';
import { findCommands, linkException } from './audit-links.ts';

/** Every sum that must hold, counted now. */
const AuditView: View = () => {
  const notice = useNotice();
  const query = useRef<Query>({});
  const { data, error, reload } = useLoad((signal) => get<Audit>('audit', query.current, signal));
  const again = (next: Query) => {
    query.current = next;
    return reload();
  };
  const broken = data?.sums.filter(({ exceptions }) => exceptions.length > 0) ?? [];
  return (
    <>
      <Head title={say('audit.title')}>
        <Action
          label={say('audit.again')}
          id="audit-again"
          scope="read"
          notice={notice}
          act={() => again({})}
        />
        <Action label={say('audit.full')} notice={notice} act={() => again({ full: 'true' })} />
      </Head>
      {data && <Verdict audit={data} />}
      <Noticed notice={notice} />
      <Failure error={error} />
      <Table caption={say('audit.sums')} columns={sumColumns()} rows={data?.sums} empty={say('audit.none')} />
      {broken.map((sum) => (
        <Exceptions key={sum.name} sum={sum} />
      ))}
      {data && (
        // No mistake, but worth a look when it grows.
        <>
          <h2>{say('audit.underWay')}</h2>
          <Facts
            facts={Object.entries(data.waiting).map(([what, count]) => [
              sayCode('underWay', what),
              formatCount(count),
            ])}
          />
        </>
      )}
    </>
  );
};

function Verdict({ audit: { ok, sums, auditedAt, durationMs } }: { audit: Audit }) {
  // As the status strip counts: a sum that names no exception is one itself.
  const broken = sums.filter((sum) => !holds(sum));
  const count = broken.reduce((total, { exceptions }) => total + Math.max(1, exceptions.length), 0);
  return (
    <p class="state" role="status">
      {ok ? (
        <Badge tone="good">{say('audit.holds')}</Badge>
      ) : (
        <Badge tone="bad">{say('audit.exceptions', { count: formatCount(count) })}</Badge>
      )}{' '}
      <Moment iso={auditedAt} /> · {say('audit.took', { duration: formatDuration(durationMs) })}
    </p>
  );
}

function holds({ difference, exceptions }: AuditSum): boolean {
  return difference === 0 && exceptions.length === 0;
}

function sumColumns(): Column<AuditSum>[] {
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
      cell: (sum) =>
        holds(sum) ? (
          <Badge tone="good">{say('audit.holdsOne')}</Badge>
        ) : (
          <Badge tone="bad">{say('audit.breaks')}</Badge>
        ),
    },
  ];
}

/** What each names can be opened, and the command that repairs it can be copied. */
function Exceptions({ sum: { name, exceptions } }: { sum: AuditSum }) {
  return (
    <>
      <h2>{sayCode('sum', name)}</h2>
      <ul class="exceptions">
        {exceptions.map((exception) => {
          const { id } = exception;
          const href = linkException(name, id);
          return (
            <li key={id}>
              <strong>{href ? <a href={href}>{id}</a> : id}</strong> {sayStatement(exception)}
              <span class="below soft">{sayAuditAdvice(exception)}</span>
              {findCommands(exception).map((command) => (
                <span key={command} class="below">
                  <Copy text={command} />
                </span>
              ))}
            </li>
          );
        })}
      </ul>
    </>
  );
}

export const show = (): View => AuditView;
