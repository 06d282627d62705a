import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parkedReasons } from '../../src/core/parked/parked-item.ts';
import { opsFolder, runPromtool } from '../support/promtool.ts';

interface Alert {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const alerts: Alert[] = parse(read('ops/prometheus/alerts.yaml')).groups.flatMap(
  ({ rules }: { rules: Alert[] }) => rules,
);
const operating = read('docs/runbooks/alerts.md') + read('docs/runbooks/parked.md');
/** GitHub's anchors of headings. */
const anchors = [...operating.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
  title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-'),
);

/** The text between a heading and the next. */
function sectionOf(title: string): string {
  return new RegExp(`^#+ ${title}$\\n([\\s\\S]*?)(?=^#|(?![\\s\\S]))`, 'm').exec(operating)?.[1] ?? '';
}

test('there are alerts that wake an operator, and alerts that can wait', () => {
  expect(new Set(alerts.map(({ labels }) => labels.severity))).toEqual(new Set(['critical', 'warning']));
  expect(alerts.length).toBeGreaterThan(20);
});

describe.each(alerts)('$alert', ({ alert, annotations }) => {
  test('an alert describes its cause in a sentence', () => {
    expect(annotations.summary).toMatch(/^[A-Z].{10,80}$/);
    expect(annotations.description).toMatch(/^.{30,}\.$/);
  });

  test('an alert links to its runbook with meaning, checks and remedy', () => {
    const [file, anchor] = annotations.runbook_url.split('#');
    expect(file).toBe('docs/runbooks/alerts.md');
    expect(anchors.filter((one) => one === anchor)).toHaveLength(1);
    expect(sectionOf(alert)).toMatch(/\*\*Means\*\*[\s\S]+\*\*Look at\*\*[\s\S]+\*\*Do\*\*/);
  });
});

test('what is held on purpose is slow neither in the alert nor on the dashboard', () => {
  const leftOut = (text: string) =>
    [...text.matchAll(/route=~"\/v1\/\.\*",route!~"([^"]+)"/g)].map(([, routes]) => routes);
  const alert = alerts.find(({ alert }) => alert === 'WeirHttpSlow')?.expr ?? '';
  const panels = JSON.parse(read('ops/grafana/weir.json')).panels as {
    title: string;
    targets?: { expr: string }[];
  }[];
  const requests = panels.find(({ title }) => title === 'Requests')?.targets?.map(({ expr }) => expr) ?? [];
  expect(leftOut(alert)).toEqual(['/v1/audit|/v1/sales/:productId/purchases/:streamId']);
  expect(requests.flatMap(leftOut)).toEqual([...leftOut(alert), ...leftOut(alert)]);
});

test('the dashboard shows a sum that is too small or too great, as the alert does', () => {
  expect(alerts.find(({ alert }) => alert === 'WeirAuditSumOff')?.expr).toContain(
    '(abs(weir_audit_difference))',
  );
  expect(read('ops/grafana/weir.json')).toContain(
    'max by (sum) (abs(weir_audit_difference{job=~\\"$job\\"}))',
  );
});

describe.each(parkedReasons)('parked for %s', (reason) => {
  test('each reason to park has one section of docs/runbooks/parked.md with its remedy', () => {
    expect(anchors.filter((one) => one === reason.toLowerCase())).toHaveLength(1);
    expect(sectionOf(reason)).toMatch(/\*\*Means\*\*[\s\S]+\*\*Look at\*\*[\s\S]+\*\*Do\*\*/);
  });
});

test('nothing that an operator does needs SQL or a request written by hand', () => {
  const dos = [...operating.matchAll(/^- \*\*Do\*\* (.+)$/gm)].map(([, text = '']) => text);
  expect(dos.length).toBeGreaterThanOrEqual(alerts.length + parkedReasons.length);
  for (const text of dos) expect(text).not.toMatch(/\b(UPDATE|INSERT|DELETE)\b|curl/);
  expect(operating).not.toMatch(/\b(UPDATE \w+ SET|INSERT INTO|DELETE FROM)\b|\bcurl\b/);
});

test('promtool finds no fault with the rules', async (context) => {
  const { code, said } = await runPromtool(context, [
    'check',
    'rules',
    join(opsFolder, 'prometheus/alerts.yaml'),
  ]);
  expect(said).toContain(`SUCCESS: ${alerts.length} rules found`);
  expect(code).toBe(0);
});

test('each alert fires in its case, alone, and all are silent while all is well', async (context) => {
  const cases = parse(read('ops/prometheus/alerts.test.yaml')).tests as {
    promql_expr_test: { exp_samples: { labels: string }[] }[];
  }[];
  const fired = cases.map(
    ({ promql_expr_test: [first] }) => first?.exp_samples.map(({ labels }) => labels) ?? [],
  );
  expect(fired.filter((labels) => labels.length === 0).length).toBeGreaterThanOrEqual(2);
  expect(fired.filter((labels) => labels.length > 1)).toEqual([]);
  expect(new Set(fired.flat())).toEqual(new Set(alerts.map(({ alert }) => `{alertname="${alert}"}`)));
  const { code, said } = await runPromtool(context, [
    'test',
    'rules',
    join(opsFolder, 'prometheus/alerts.test.yaml'),
  ]);
  expect(said).toContain('SUCCESS');
  expect(code).toBe(0);
});
