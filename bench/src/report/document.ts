import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { rootFolder } from '../folders.ts';
import { type PartName, partNames } from '../options.ts';
import { drawChart } from './chart.ts';
import { listCharts } from './charts.ts';
import { formatCpu, formatNumber, formatSpread, formatValue } from './format.ts';
import { type Line, medianSample, summarize } from './line.ts';
import { type PartReport, type Report, readReport } from './report.ts';

const documentFile = join(rootFolder, 'docs/benchmarks.md');
const chartFolder = join(rootFolder, 'docs/benchmarks');
const begin = '<!-- npm run bench: begin -->';
const end = '<!-- npm run bench: end -->';

const headings: Record<PartName, string> = {
  limits: 'Limits',
  alternatives: 'Weir and its alternatives',
  callback: 'Payment callbacks',
  admission: 'Admission to a sale',
  lifecycle: 'The whole life of a purchase',
  cost: 'What a purchase costs',
  growth: 'Growth',
  vacuum: 'Vacuum blocked',
  backlog: 'A long backlog',
  embedded: 'Embedded',
  latency: 'Latency',
  audit: 'Audit',
  views: 'Views',
  observability: 'Observability',
  cluster: 'One product in Redis Cluster',
};

/**
 * Writes the section between the marks of docs/benchmarks.md, and the charts. Returns a sentence about what
 * it wrote.
 */
export function writeDocument(jsonFile: string): string {
  const report = readReport(jsonFile);
  if (Object.keys(report.parts).length === 0) throw new Error(`${jsonFile} holds no figures.`);
  mkdirSync(chartFolder, { recursive: true });
  const charts = new Map<PartName, string>();
  for (const { part, chart } of listCharts(report)) {
    const file = join(chartFolder, `${part}.svg`);
    writeFileSync(file, drawChart(chart));
    charts.set(part, `![${chart.title}](benchmarks/${part}.svg)`);
  }
  const text = readFileSync(documentFile, 'utf8');
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) {
    throw new Error(`${relative(rootFolder, documentFile)} must hold ${begin} and ${end}.`);
  }
  writeFileSync(documentFile, `${before}${begin}\n\n${formatBody(report, charts)}\n\n${end}${after}`);
  return `Wrote docs/benchmarks.md and ${charts.size} charts in docs/benchmarks/.`;
}

export function formatBody(report: Report, charts: ReadonlyMap<PartName, string>): string {
  const sections = partNames.flatMap((name) => {
    const part = report.parts[name];
    return part === undefined ? [] : [formatSection(name, part, charts.get(name))];
  });
  return [formatBudgets(report), formatMachine(report), ...sections].join('\n\n');
}

function formatBudgets({ verdicts }: Report): string {
  const rows = verdicts.map(({ budget, figure, limit, outcome, because }) => [
    budget,
    `**${figure}**`,
    limit,
    because ? `${outcome}: ${because}` : outcome,
  ]);
  return `## Budgets\n\n${formatTable(['medians of one run', 'here', 'budget', ''], rows)}`;
}

function formatMachine({ parts }: Report): string {
  const all = Object.values(parts);
  const part = all.find(({ servers }) => servers !== undefined) ?? all[0];
  if (part === undefined) return '';
  const { machine, servers } = part;
  const rows = [
    [
      'machine',
      `${machine.cpuCount} × ${machine.cpu}, ${Math.round(machine.memoryMiB / 1024)} GiB, ${machine.system}`,
    ],
    ['Node', machine.node],
  ];
  for (const [name, settings] of Object.entries(servers ?? {})) {
    const listed = Object.entries(settings).map(([key, value]) => `${key} ${value}`);
    rows.push([name, listed.join(', ')]);
  }
  const versions = all.flatMap(({ versions: found }) => Object.entries(found));
  if (versions.length > 0)
    rows.push(['packages', versions.map(([name, found]) => `${name} ${found}`).join(', ')]);
  return `## Machine\n\n${formatTable(['', ''], rows)}`;
}

function formatSection(name: PartName, part: PartReport, chart: string | undefined): string {
  const { lines, failures, rounds, startedAt, seconds } = part;
  const when = `${startedAt.slice(0, 10)}, ${rounds} round${rounds === 1 ? '' : 's'}, ${seconds} s`;
  const columns = listColumns(lines);
  const rows = lines.map((line) => columns.map(({ cell }) => cell(line)));
  const failed = Object.entries(failures).map(([line, reason]) => `- ${line}: ${reason.split('\n')[0]}`);
  return [
    `## ${headings[name]}`,
    `\`npm run bench -- --only ${name}\`: ${when}.`,
    ...(chart === undefined ? [] : [chart]),
    formatTable(
      columns.map(({ title }) => title),
      rows,
    ),
    ...(failed.length > 0 ? [`Without a figure:\n\n${failed.join('\n')}`] : []),
  ].join('\n\n');
}

interface Column {
  readonly title: string;
  readonly cell: (line: Line) => string;
}

/** The columns with at least one value. */
function listColumns(lines: readonly Line[]): Column[] {
  const figure = (name: string) => (line: Line) => {
    const value = medianSample(line).figures?.[name];
    return value === undefined ? '' : formatNumber(value);
  };
  const columns: Column[] = [
    { title: '', cell: ({ name }) => name },
    { title: 'median', cell: (line) => formatValue(summarize(line).median, line.unit) },
    { title: 'least … most', cell: formatSpread },
    { title: 'p50 ms', cell: figure('p50') },
    { title: 'p99 ms', cell: figure('p99') },
    { title: 'p99.9 ms', cell: figure('p999') },
    { title: 'CPU µs each', cell: formatCpu },
    { title: 'WAL bytes each', cell: figure('walBytesEach') },
    { title: 'how', cell: ({ note = '' }) => note },
  ];
  return columns.filter(({ cell }, index) => index === 0 || lines.some((line) => cell(line) !== ''));
}

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const format = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [format(head), format(head.map(() => '---')), ...rows.map(format)].join('\n');
}
