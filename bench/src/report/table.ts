import type { CpuPerItem } from '../machine/processes.ts';
import type { Verdict } from './budgets.ts';
import type { Results } from './results.ts';

type Row = readonly string[];

/** All figures and ratios for a person. */
export function formatReport(results: Results, verdicts: readonly Verdict[]): string {
  const figures = listFigures(results);
  const budgets = verdicts.map(
    ({ budget, figure, limit, outcome }): Row => [budget, figure, limit, formatOutcome(outcome)],
  );
  return [
    ...(figures.length > 0
      ? [formatTable(['measure', 'rate', 'ratio', 'CPU µs each (of whom)'], figures)]
      : []),
    ...(budgets.length > 0 ? [formatTable(['budget', 'here', 'limit', ''], budgets)] : []),
  ].join('\n\n');
}

function listFigures(results: Results): Row[] {
  const { broker, seed, weir, lifecycle, callback, backlog, embedded, audit, views, door, observability } =
    results;
  const limit = broker?.best.perSecond;
  const rows: Row[] = [];
  for (const run of broker?.runs ?? []) {
    rows.push([
      `broker alone, window ${run.window}`,
      rate(run),
      ratio(run.perSecond, limit),
      cpu(run.cpuMicrosPerItem),
    ]);
  }
  for (const run of seed?.runs ?? []) {
    const name = `seed's flow, ${run.concurrency} in flight`;
    rows.push([name, rate(run), ratio(run.perSecond, limit), cpu(run.cpuMicrosPerItem)]);
  }
  for (const run of weir?.runs ?? []) {
    const name = `weir, stream to confirmed${run === weir?.median ? ' (median)' : ''}`;
    rows.push([
      name,
      rate(run),
      run.ofBroker ? `${run.ofBroker.toFixed(2)} †` : '',
      cpu(run.cpuMicrosPerItem),
    ]);
  }
  for (const run of lifecycle?.runs ?? []) {
    const name = `whole life, to settled${run === lifecycle?.median ? ' (median)' : ''}`;
    rows.push([
      name,
      rate(run),
      weir ? `${ratio(run.perSecond, weir.median.perSecond)} ‡` : '',
      `${cpu(run.cpuMicrosPerItem)} · resource ${run.resourceCpuMicros}`,
    ]);
  }
  const callbacks = callback ? [...callback.baselines, ...callback.statements] : [];
  if (callback?.weir) callbacks.push(callback.weir);
  for (const run of callbacks) {
    const name = `callback, ${run.server}, p99 ${run.latencyMs.p99} ms`;
    const beside = `${ratio(run.perSecond, callback?.bestBaseline.perSecond)} *`;
    rows.push([name, rate(run), beside, cpu(run.cpuMicrosPerItem)]);
  }
  if (backlog) {
    const { entries, firstTenthMiB, lastTenthMiB } = backlog;
    const memory = `${firstTenthMiB.toFixed(0)} → ${lastTenthMiB.toFixed(0)} MiB`;
    rows.push([
      `backlog of ${entries.toLocaleString('en-US')}, ${memory}`,
      rate(backlog),
      ratio(backlog.perSecond, limit),
      cpu(backlog.cpuMicrosPerItem),
    ]);
  }
  for (const run of door?.runs ?? []) {
    const name = `admission, ${run.what}, p99 ${run.latencyMs.p99} ms`;
    rows.push([
      name,
      rate(run),
      `${ratio(run.perSecond, door?.bare.perSecond)} §`,
      cpu(run.cpuMicrosPerItem),
    ]);
  }
  if (embedded) rows.push(['embedded, try to published', rate(embedded), '', '']);
  if (audit) {
    const { rows: count, firstMs, againMs, freshRows, withFreshMs } = audit;
    const of = `audit of ${count.toLocaleString('en-US')} rows`;
    rows.push([`${of}, for the first time`, `${firstMs} ms`, '', '']);
    rows.push([`${of}, again`, `${againMs} ms`, '', '']);
    rows.push([`${of} and ${freshRows.toLocaleString('en-US')} fresh ones`, `${withFreshMs} ms`, '', '']);
  }
  for (const [when, runs] of [
    ['', views?.analyzed],
    [', never analyzed', views?.cold],
  ] as const) {
    for (const { view, medianMs, highestMs, sqlMedianMs } of runs ?? []) {
      rows.push([
        `${view}${when}`,
        `${medianMs} ms`,
        '',
        `plain SQL ${sqlMedianMs} ms · highest ${highestMs} ms`,
      ]);
    }
  }
  if (observability) {
    const { observed, unobserved, ofUnobserved, spans } = observability;
    for (const { sampled, cpuMicros } of spans) {
      const who = sampled === undefined ? 'nobody listens' : `${sampled * 100} % sampled`;
      rows.push([`the way through all spans, ${who}`, '', '', `node ${cpuMicros.toFixed(2)}`]);
    }
    rows.push([
      'not observed (median)',
      rate(unobserved.median),
      '',
      cpu(unobserved.median.cpuMicrosPerItem),
    ]);
    const beside = `${ofUnobserved.toFixed(2)} ¶`;
    rows.push([
      'fully observed (median)',
      rate(observed.median),
      beside,
      cpu(observed.median.cpuMicrosPerItem),
    ]);
  }
  return rows;
}

/** Under the table: what the columns mean, and what must not be read into them. */
export const notes = `ratio: to the broker alone at its best window; † to the mean of the broker alone just before and after; * to one transaction a request at its best pool;
‡ to weir's own median from stream to confirmed; § to the median of a bare Fastify route with the same body;
¶ to the runs beside it that nobody observes.
CPU of postgres, redis and rabbitmq is that of all their processes, whoever they worked for meanwhile.
The callback's baselines fill their outbox and nobody works it off; Weir publishes while it answers.`;

function rate({ perSecond }: { readonly perSecond: number }): string {
  return `${perSecond.toLocaleString('en-US')}/s`;
}

function ratio(perSecond: number, best: number | undefined): string {
  return best === undefined ? '' : (perSecond / best).toFixed(2);
}

function cpu(each: CpuPerItem): string {
  const { program, bench, postgres, redis, rabbitmq } = each;
  // Where there is a program of its own, the bench only looks on or makes the load.
  const node = program ?? bench;
  return Object.entries({ node, postgres, redis, rabbitmq })
    .filter(([, micros]) => micros !== undefined)
    .map(([who, micros]) => `${who} ${micros}`)
    .join(' · ');
}

function formatOutcome(outcome: Verdict['outcome']): string {
  return outcome === 'met' ? '✓' : outcome;
}

function formatTable(head: Row, rows: readonly Row[]): string {
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)),
  );
  const formatRow = (row: Row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [formatRow(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(formatRow)].join(
    '\n',
  );
}
