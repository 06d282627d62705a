import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../verify/src/cli/run-cli.ts';
import { createPlan } from '../../verify/src/drive/plan.ts';
import { createShop } from '../../verify/src/drive/shop.ts';
import { Traffic } from '../../verify/src/drive/traffic.ts';
import { History } from '../../verify/src/history/history.ts';
import { formatHtml } from '../../verify/src/report/html.ts';
import { formatText } from '../../verify/src/report/text.ts';
import { hostsOf, parseRedisAddress, splitUrls } from '../../verify/src/stores/addresses.ts';
import { buildVerdict, type Verdict } from '../../verify/src/verdict.ts';
import { readImports } from '../unit/source-files.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('the checker imports nothing of Weir, and only the packages that it names', () => {
  const source = join(root, 'verify/src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const { dependencies } = JSON.parse(readFileSync(join(root, 'verify/package.json'), 'utf8'));
  const isOwn = (file: string, from: string) =>
    from.startsWith('.') && !join(dirname(file), from).startsWith('..');
  const isNamed = (from: string) =>
    Object.keys(dependencies).some((name) => `${from}/`.startsWith(`${name}/`));
  const foreign = files.flatMap((file) =>
    readImports(readFileSync(join(source, file), 'utf8'))
      .map(({ from }) => from)
      .filter((from) => !from.startsWith('node:') && !isOwn(file, from) && !isNamed(from))
      .map((from) => `${file} → ${from}`),
  );
  expect(files.length).toBeGreaterThan(40);
  expect(foreign).toEqual([]);
});

test('the checker has the versions of its packages that Weir is tested with', () => {
  const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
  const { dependencies, devDependencies } = read('package.json');
  expect({ ...dependencies, ...devDependencies }).toMatchObject(read('verify/package.json').dependencies);
});

async function run(args: string[], env = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: '', stderr: '' };
  const code = await runCli(args, env, {
    print: (text) => {
      output.stdout += text;
    },
    warn: (text) => {
      output.stderr += text;
    },
    write: () => {},
    isTerminal: false,
    signal: new AbortController().signal,
  });
  return { code, ...output };
}

describe('the command line', () => {
  test.each([
    [['--rate', '5'], '--url is missing'],
    [['--url', 'localhost:8000'], '--url must be an http:// or https:// URL, not localhost:8000'],
    [['--url', 'http://127.0.0.1:1', '--rate', 'x'], '--rate must be a whole number from 1 to 1000, not x'],
    [
      ['--url', 'http://127.0.0.1:1', '--duration', '5'],
      '--duration must be a time such as 30s or 2m, not 5',
    ],
    [['--url', 'http://127.0.0.1:1', '--mix', 'ticket=1'], '--mix must name stream, order, instance, buy'],
    [['--url', 'http://127.0.0.1:1', '--mix', 'stream=1'], '--mix needs --redis for stream'],
    [['--url', 'http://127.0.0.1:1', '--redis', 'http://x'], '--redis must be a redis://'],
    [['--url', 'http://127.0.0.1:1', '--what'], "Unknown option '--what'"],
    [['--url', 'http://127.0.0.1:9'], 'Weir at http://127.0.0.1:9 is not ready'],
  ])('invalid arguments end the checker with the reason (case %#)', async (args, reason) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`weir-verify: ${reason}`);
  });

  test.each([
    [['--url', 'http://shop.example.com'], 'shop.example.com'],
    [
      ['--url', 'http://127.0.0.1:9', '--postgres', 'postgres://u:p@127.0.0.1,db2.example.com/x'],
      'db2.example.com',
    ],
    [['--url', 'http://127.0.0.1:9', '--redis', 'redis+cluster://127.0.0.1:1,10.0.0.7:1'], '10.0.0.7'],
    [['--url', 'http://127.0.0.1:9', '--rabbitmq', 'amqp://u:p@mq.example.com'], 'mq.example.com'],
  ])('a foreign address is refused without --yes (case %#)', async (args, host) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `weir-verify: ${host} is not this machine: confirm with --yes that it is no production\n`,
    );
  });

  test('help fits into 80 columns and names every exit code', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Exit codes: 0 it holds, 1 it is violated, 2 it could not run.');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('addresses of clusters', () => {
  test('a URL of several hosts is one URL for each of them', () => {
    expect(splitUrls('amqp://u:p@a:1,b:2/v?x=1')).toEqual(['amqp://u:p@a:1/v?x=1', 'amqp://u:p@b:2/v?x=1']);
    expect(splitUrls('amqp://a,amqp://b')).toEqual(['amqp://a', 'amqp://b']);
    expect(hostsOf('postgres://u@[::1]:5432,db/x')).toEqual(['::1', 'db']);
  });

  test('an address of Redis names one server, sentinels or a cluster', () => {
    expect(parseRedisAddress('127.0.0.1:6380')).toMatchObject({
      kind: 'server',
      nodes: [{ host: '127.0.0.1', port: 6380 }],
      db: 0,
    });
    expect(parseRedisAddress('rediss+sentinel://u:p@a,b:26380/mymaster/2')).toEqual({
      ...{ kind: 'sentinel', master: 'mymaster', db: 2, username: 'u', password: 'p', tls: true },
      nodes: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 26380 },
      ],
    });
    expect(parseRedisAddress('redis+cluster://:p@a:7000,b:7001')).toMatchObject({
      ...{ kind: 'cluster', username: undefined, password: 'p' },
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
      ],
    });
    expect(() => parseRedisAddress('redis+sentinel://a')).toThrow('must name the master');
  });
});

test('buyers meet both the limit and the stock of the sale', () => {
  const plan = createPlan({ urls: [], redis: 'redis://x', count: 120 });
  const traffic = new Traffic(createShop(plan.terms), plan);
  const operations = Array.from({ length: plan.count }, () => traffic.next());
  const buys = operations.filter(({ way }) => way === 'buy');
  const asked = buys.filter(({ userId }) => userId === buys[0]?.userId).length;
  expect(asked).toBeGreaterThan(plan.terms?.perUserLimit ?? 0);
  expect(plan.buyers * 2).toBeGreaterThan(plan.terms?.stock ?? 0);
  const others = operations.filter(({ way }) => way !== 'buy').map(({ userId }) => userId);
  expect(new Set(others).size).toBe(others.length);
  expect(operations.every(({ userId }) => BigInt(userId) > 2n ** 53n && BigInt(userId) < 2n ** 63n)).toBe(
    true,
  );
});

describe('the verdict', () => {
  const violated: Verdict = {
    ...buildVerdict({
      target: { urls: ['http://127.0.0.1:8000'], redis: 'redis://user:secret@127.0.0.1:6379' },
      ...{ shop: createShop(undefined), history: new History(), evidence: undefined, domain: undefined },
      judgement: {
        violations: Array.from({ length: 12 }, (_, n) => ({
          ...{ kind: 'lost' as const, subject: `order <order-${n}>` },
          detail: `answered with ${'250169960972681216, '.repeat(5)}and there is no instance`,
        })),
        allowed: [],
      },
      drivenFromMs: 0,
    }),
  };

  test('as text fits into 80 columns and counts what it does not show', () => {
    const text = formatText(violated);
    expect(text).toContain('VIOLATED (12 in all)');
    expect(text).toContain('LOST (12): a purchase that was accepted has no instance');
    expect(text).toContain('… and 2 more');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('as a page loads nothing, runs nothing and escapes what it shows', () => {
    const html = formatHtml(violated);
    expect(html).toContain('order &#60;order-0&#62;');
    expect(html).not.toMatch(/<script|src=|href=|@import|url\(/);
  });

  test('holds no password of the installation', () => {
    expect(violated.target.redis).toBe('redis://127.0.0.1:6379');
    expect(JSON.stringify(violated)).not.toContain('secret');
  });
});
