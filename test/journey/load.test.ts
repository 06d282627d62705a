import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { openTerminal } from '../support/pseudo-terminal.ts';
import { runHere } from '../support/run-here.ts';
import { builtProgram } from '../support/seeded-bug.ts';
import { createFolder } from '../support/stores.ts';
import { spawnWeir } from '../support/weir.ts';
import { serve } from './cli-support.ts';
import { expectOneSentence } from './one-sentence.ts';
import { shareWeir } from './share-weir.ts';

const ready = JSON.stringify({ status: 'ready' });

describe('with a running Weir', () => {
  const guard = {
    WEIR_SERVER_HTTP_OPERATORKEYS: 'operator-key-of-monday',
    WEIR_SERVER_HTTP_WEBHOOKSECRETS: `whsec_${Buffer.from('the secret of the payer').toString('base64')}`,
  };
  const weir = shareWeir(guard);
  const load = (args: string[], env: Record<string, string> = guard) =>
    runHere(['load', '--connections', '20', '--url', weir.url, ...args], env);
  const brief = ['--rate', '60', '--duration', '1s'];

  beforeAll(async () => {
    await weir.database.query(
      "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
    );
    const key = { authorization: `Bearer ${guard.WEIR_SERVER_HTTP_OPERATORKEYS}` };
    const sale = await weir.request('POST', '/v1/sales', { productId: '1001', stock: 20 }, key);
    expect(sale.status).toBe(201);
  });

  test('every purchase of the mix is made, signed, counted and followed to its instance', async () => {
    const before = await weir.count('instance_logs');
    const { host, port, db } = weir.redis.options;
    const env = { ...guard, WEIR_DATA_REDIS_ADDR: `redis://${host}:${port}/${db}` };
    const { code, stdout, stderr } = await load([...brief, '--wait', '3s', '--json'], env);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    const sent = Object.entries(report.requests).map(([name, figures]) => [
      name,
      (figures as { sent: number; accepted: number }).sent,
      (figures as { sent: number; accepted: number }).accepted,
    ]);
    expect(sent.sort()).toEqual([
      ['callback', 20, 20],
      ['instance', 20, 20],
      ['order', 20, 20],
      ['stream', 20, 20],
    ]);
    expect(report).toMatchObject({
      plan: { stages: [{ durationMs: 1_000, rate: 60 }], mix: { stream: 1, order: 1, instance: 1 } },
      generator: { node: process.version, waited: expect.any(Number) },
      all: { sent: 80, errors: 0, dropped: 0 },
      followed: { count: 60, of: 60, unfinished: 0, steps: { created: { count: expect.any(Number) } } },
    });
    const answered = report.series.reduce(
      (sum: number, second: { answered: number }) => sum + second.answered,
      0,
    );
    expect(answered).toBe(80);
    expect((await weir.count('instance_logs')) - before).toBe(60);
  });

  test('what a sale refuses is no error, and a rule that holds ends with 5', async () => {
    const { code, stdout } = await load([
      ...brief,
      '--mix',
      'buy',
      '--fail-if',
      'buy.refused>50%',
      '--wait',
      '5s',
    ]);
    expect({ code }, stdout).toEqual({ code: 5 });
    expect(stdout).toMatch(/^buy +60 +0 +0 /m);
    expect(stdout).toMatch(/^buy +202: 20, 409 SOLD_OUT: 40$/m);
    expect(stdout).toMatch(/^fail {2}buy\.refused>50% {2}\(66\.667\)$/m);
    expect(stdout).toMatch(/^ok {4}errors>0 {2}\(0\)$/m);
    expect(stdout).not.toMatch(/[▁▂▃▄▅▆▇█]/);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
  });

  test('a rule about a time passes when it does not hold, and the report goes to a file', async () => {
    const file = join(await createFolder(), 'load.json');
    const rules = ['--fail-if', 'p99>60s', '--fail-if', 'instance.max<0.001ms'];
    const { code, stdout } = await load([
      ...brief,
      '--mix',
      'instance',
      '--wait',
      '0s',
      ...rules,
      '--json',
      file,
    ]);
    expect({ code }, stdout).toEqual({ code: 0 });
    const { rules: judged, followed } = JSON.parse(await readFile(file, 'utf8'));
    expect(judged.map(({ breached }: { breached: boolean }) => breached)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(followed).toBeUndefined();
  });

  test('the chart is drawn on a terminal, and no line is wider than 80 columns', async () => {
    const args = ['load', ...brief, '--mix', 'instance,order', '--wait', '1s', '--url', weir.url];
    const terminal = openTerminal([process.execPath, builtProgram(), ...args], guard);
    expect(await terminal.ended, terminal.output).toBe(0);
    expect(terminal.output).toMatch(/^p99 +[▁▂▃▄▅▆▇█ ]+ up to/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is taken out
    const lines = terminal.output.replaceAll(/\x1b\[[\d;]*m/g, '').split(/\r?\n|\r/);
    expect(lines.filter(({ length }) => length > 80)).toEqual([]);
  });

  test('a run that is interrupted reports what it did so far, and ends with 130', async () => {
    const before = await weir.count('instance_logs');
    const args = ['--rate', '20', '--duration', '60s', '--mix', 'instance', '--json', '--url', weir.url];
    const child = spawnWeir(['load', ...args], guard);
    let stdout = '';
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    await pollUntil('the first purchase', 15_000, async () =>
      expect(await weir.count('instance_logs')).toBeGreaterThan(before),
    );
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
    const { interrupted, all } = JSON.parse(stdout);
    expect(interrupted).toBe(true);
    expect(all.accepted).toBe(all.sent);
    expect(all.sent).toBeLessThan(1_200);
  });

  test('a wrong key, an unknown product and a missing sale send nothing', async () => {
    const before = await weir.count('instance_logs');
    const wrongKey = await load([...brief, '--key', 'another-key-of-nobody']);
    expect(wrongKey).toMatchObject({ code: 1, stdout: '' });
    expect(wrongKey.stderr).toContain('401');
    const unknown = await load([...brief, '--product', '4242']);
    expect(unknown).toMatchObject({ code: 4, stdout: '' });
    expect(unknown.stderr).toMatch(/product 4242: it does not exist.*weir demo/);
    await weir.database.query(
      "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1002, 'No sale', 4, 16384, 'ubuntu')",
    );
    const noSale = await load([...brief, '--product', '1002', '--mix', 'buy']);
    expect(noSale).toMatchObject({ code: 4, stdout: '' });
    expect(noSale.stderr).toContain('weir sale open 1002');
    const noRedis = await load(brief);
    expect(noRedis).toMatchObject({ code: 2, stdout: '' });
    expect(noRedis.stderr).toMatch(/Redis.*-conf FILE.*--mix/);
    for (const { stderr } of [wrongKey, unknown, noSale, noRedis]) expectOneSentence(stderr);
    expect(await weir.count('instance_logs')).toBe(before);
  });
});

describe('with a server that misbehaves', () => {
  const run = (url: string, ...args: string[]) =>
    runHere([
      'load',
      '--mix',
      'instance',
      '--wait',
      '0s',
      '--json',
      '--url',
      url,
      '--connections',
      '50',
      ...args,
    ]);

  test('a stall of 1 s shows in p90, as arrivals do not wait for answers', async () => {
    // Answers immediately, except for requests within the stalled second, which are answered at its end: a
    // client that waits for each answer before the next request would see a single slow request.
    let stallUntil = 0;
    let purchases = 0;
    const url = await serve((request, response) => {
      if (request.method === 'POST' && ++purchases === 50) stallUntil = performance.now() + 1_000;
      setTimeout(() => response.end(ready), Math.max(0, stallUntil - performance.now()));
    });
    const { code, stdout } = await run(url, '--rate', '100', '--duration', '3s', '--fail-if', 'p90>500ms');
    const { all, rules } = JSON.parse(stdout);
    expect(code, stdout).toBe(5);
    expect(all).toMatchObject({ sent: 300, errors: 0, dropped: 0 });
    expect(rules[0]).toMatchObject({ rule: 'p90>500ms', breached: true });
    expect(all.latency.maxMs).toBeGreaterThan(950);
    // 100 of 300 were due within that second, evenly spread over it.
    expect(all.latency.p90Ms).toBeGreaterThan(500);
  });

  test('arrivals above the limit in flight are dropped, and that fails by default', async () => {
    const url = await serve((request, response) => {
      setTimeout(() => response.end(ready), request.method === 'POST' ? 1_500 : 0);
    });
    const { code, stdout } = await run(url, '--rate', '50', '--duration', '1s', '--max-in-flight', '10');
    expect(code, stdout).toBe(5);
    const { all, rules } = JSON.parse(stdout);
    expect(all).toMatchObject({ sent: 10, errors: 0, dropped: 40 });
    expect(rules).toContainEqual({ rule: 'dropped>0', value: 40, breached: true });
  });

  test('a server that stops within the run is reported as requests without an answer', async () => {
    let purchases = 0;
    const url = await serve(function (this: import('node:http').Server, request, response) {
      if (request.method === 'POST') purchases++;
      if (purchases < 20) response.end(ready);
      else this.close().closeAllConnections();
    });
    const { code, stdout, stderr } = await run(url, '--rate', '50', '--duration', '1s');
    expect({ code, stderr }, stdout).toEqual({ code: 5, stderr: '' });
    const { all } = JSON.parse(stdout);
    expect(all).toMatchObject({ sent: 50, accepted: 19, errors: 31 });
    expect(all.answers).toMatchObject({ 'no answer ECONNREFUSED': expect.any(Number) });
  });

  test('401, 429, a page of another server and a hostile code are counted apart', async () => {
    const answers: [number, string][] = [
      [401, '{"code":"UNAUTHENTICATED"}'],
      [429, '{"code":"RATE_LIMITED"}'],
      [200, '<html>'],
      [500, '{"code":"\\u001b[2J"}'],
    ];
    let purchases = 0;
    const url = await serve((request, response) => {
      if (request.method !== 'POST') return response.end(ready);
      const [status, body] = answers[purchases++ % answers.length] as [number, string];
      response.writeHead(status).end(body);
    });
    const { code, stdout } = await run(url, '--rate', '40', '--duration', '1s', '--fail-if', 'errors>100%');
    expect(code, stdout).toBe(0);
    expect(JSON.parse(stdout).all.answers).toEqual({
      '401 UNAUTHENTICATED': 10,
      '429 RATE_LIMITED': 10,
      'no answer NOT_JSON': 10,
      '500': 10,
    });
  });
});

describe('the confirmation of another machine', () => {
  // Reserved for documentation: no host answers there.
  const url = 'http://load.invalid:8000';

  test('another machine gets no load without --yes or a terminal', async () => {
    const { code, stdout, stderr } = await runHere(['load', '--url', url]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('load.invalid is not this machine: confirm the load with --yes');
    expectOneSentence(stderr);
    expect((await runHere(['load', '--url', url, '--yes'])).code).toBe(3);
  });

  test('a Redis on another machine must be confirmed as well', async () => {
    const { code, stderr } = await runHere(['load', '--mix', 'stream'], {
      WEIR_DATA_REDIS_ADDR: 'redis.invalid:6379',
    });
    expect(code).toBe(2);
    expect(stderr).toContain('redis.invalid is not this machine');
  });

  test.for([
    ['load.invalid', 3],
    ['yes', 2],
  ] as const)(
    'only the name of the host confirms at a terminal: "%s" ends with %i',
    async ([typed, code]) => {
      const terminal = openTerminal([process.execPath, builtProgram(), 'load', '--url', url], {});
      await pollUntil('the question', 15_000, async () => expect(terminal.output).toContain('Type its name'));
      terminal.child.stdin?.write(`${typed}\n`);
      expect(await terminal.ended, terminal.output).toBe(code);
    },
  );
});
