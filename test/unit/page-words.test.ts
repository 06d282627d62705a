import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { InstanceLog } from '../../src/core/instance/instance-log.ts';
import { buildTimeline } from '../../src/core/instance/timeline.ts';
import { parkedOrigins, parkedReasons } from '../../src/core/parked/parked-item.ts';
import { describeAnswer } from '../../src/core/parked/replay-payment.ts';
import type { PaymentAnswer } from '../../src/core/triggers/order-paid.ts';
import { en } from '../../src/dashboard/words/en.ts';
import { zh } from '../../src/dashboard/words/zh.ts';
import { zhProblems } from '../../src/dashboard/words/zh-problems.ts';
import { translateDetail, zhInvariants } from '../../src/dashboard/words/zh-server.ts';
import { adviceForParked } from '../../src/errors.ts';
import { type AuditFigures, sumUp } from '../../src/ops/audit/audit.ts';

type Words = Record<string, string>;
const tables: Record<string, Words> = { en, zh };
const page = fileURLToPath(new URL('../../src/dashboard/', import.meta.url));

test('both languages have the same words, in the same order', () => {
  expect(Object.keys(zh)).toEqual(Object.keys(en));
  expect(Object.keys(en).length).toBeGreaterThan(200);
});

test('a word has the same places to fill in both languages', () => {
  const placesIn = (words: Words, key: string) =>
    [...(words[key] ?? '').matchAll(/\{\w+\}/g)].map(String).sort();
  for (const key of Object.keys(en)) expect(placesIn(zh, key), key).toEqual(placesIn(en, key));
});

test('no word is empty, and Chinese is Chinese but for names', () => {
  for (const words of Object.values(tables)) {
    for (const [key, word] of Object.entries(words)) expect(word.trim(), key).not.toBe('');
  }
  const names = ['shell.otherLanguage', 'shell.who', 'kind.PostgreSQL', 'kind.Redis', 'kind.RabbitMQ'];
  const latin = Object.entries(zh).filter(
    ([, word]) => !/\p{Script=Han}/u.test(word.replace(/\{\w+\}/g, '')),
  );
  expect(latin.map(([key]) => key).sort()).toEqual(names.sort());
});

test('no word is left over that no file of the page says', () => {
  const files = readdirSync(page, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /\.tsx?$/.test(path) && !path.startsWith('words'),
  );
  const text = files.map((path) => readFileSync(page + path, 'utf8')).join('\n');
  // Said by a code of the API or a name: sayCode('state', …), say(`sale.${figure}`).
  const computed = [...text.matchAll(/sayCode\('(\w+)'|say\(`(\w+)\.\$\{|words: '(\w+)'/g)].map(
    (match) => match[1] ?? match[2] ?? match[3],
  );
  expect(computed).toContain('state');
  const isSaid = (key: string) =>
    text.includes(`'${key}'`) || computed.includes(key.split('.')[0] ?? '') || key.endsWith('.nav');
  expect(Object.keys(en).filter((key) => !isSaid(key))).toEqual([]);
});

test('every origin of a parked item has a name, and every explained reason exists', () => {
  for (const origin of parkedOrigins) expect(en).toHaveProperty([`origin.${origin}`]);
  const reasons = Object.keys(en).filter((key) => key.startsWith('reason.'));
  expect(reasons).toEqual(expect.arrayContaining(parkedReasons.map((reason) => `reason.${reason}`)));
  for (const key of reasons) expect(adviceForParked(key.slice('reason.'.length)), key).not.toBe('');
});

test('every code of the API says in Chinese what happened and what to do', () => {
  const source = readFileSync(new URL('../../src/errors.ts', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): \[/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(20);
  expect(Object.keys(zhProblems)).toEqual(codes);
  for (const words of Object.values(zhProblems).flat()) expect(words).toMatch(/\p{Script=Han}/u);
});

test('every invariant of the audit has a Chinese text', async () => {
  const compensations = { RESTOCK: 0, REFUND: 0, NOTHING: 0 };
  const nothing = { instances: [], streams: [], sales: [], units: [], restocked: [], compensations };
  const { sums } = await sumUp({ ...nothing } as unknown as AuditFigures, async () => []);
  expect(Object.keys(zhInvariants)).toEqual(sums.map(({ name }) => name));
});

test('every answer to a replayed payment has a Chinese sentence', () => {
  const refund = (reason: string) => describeAnswer({ kind: 'refund', refund: { reason } } as PaymentAnswer);
  const instance = { instanceId: 5n } as InstanceLog;
  const answers = [
    refund('a further payment of an order that was paid before'),
    refund('paid after the order was CANCELLED'),
    describeAnswer({ kind: 'instance', first: true, instance }),
    describeAnswer({ kind: 'instance', first: false, instance }),
  ];
  for (const { resolution } of answers) {
    const told = translateDetail(resolution);
    expect(told, resolution).toMatch(/\p{Script=Han}/u);
    expect(told, resolution).not.toMatch(/[A-Za-z]{2}/);
  }
});

test('texts of a timeline are Chinese, and texts of other programs stay as they are', () => {
  const at = new Date();
  const of = (source: string, more: object) => ({
    ...{ instanceId: 5n, productId: 1n, userId: 1n, source, sourceId: '1795525770770-740', scope: '' },
    ...{ status: 'FAILED', reason: null, createdAt: at, updatedAt: at, ...more },
  });
  const told = [
    of('SECKILL', { scope: 'stream:seckill:1001', reason: 'TIMEOUT' }),
    of('ORDER', { reason: 'no capacity (simulated)' }),
    of('ORDER', { status: 'SUCCESS' }),
  ].flatMap((instance) =>
    buildTimeline({
      instance: instance as unknown as InstanceLog,
      answeredAt: at,
      order: { createdAt: at, paidAt: at },
      publishedBy: at,
      parked: [
        { origin: 'STREAM', reason: 'STORE_UNAVAILABLE', parkedAt: at, state: 'REPLAYED', resolvedAt: at },
      ].map((item) => ({ ...item, resolvedBy: 'weir', resolution: 'made instance 5' })),
      history: [],
      compensation: { kind: 'RESTOCK', reason: 'TIMEOUT', createdAt: at, doneAt: at, outcome: 'NO_SALE' },
    }),
  );
  expect(told.length).toBeGreaterThan(20);
  for (const { detail, by } of told) {
    expect(translateDetail(detail) ?? detail, detail).toMatch(/\p{Script=Han}/u);
    expect(translateDetail(by), by).toBeDefined();
  }
  for (const origin of parkedOrigins)
    expect(translateDetail(`${origin}: STORE_UNAVAILABLE`), origin).toBeDefined();
  expect(translateDetail('out of GPUs')).toBeUndefined();
  expect(translateDetail('FAILED: out of GPUs')).toBe('失败：out of GPUs');
});
