import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { findFreePort } from '../../scripts/services/find.mjs';
import { createFreshClone, type FreshClone } from '../support/fresh-clone.ts';
import { requirePrograms } from '../support/gates.ts';
import { pollUntil } from '../support/poll-until.ts';
import { readSection, readSteps, type Step } from '../support/readme-commands.ts';
import { type Background, type Printed, Shell } from '../support/shell.ts';
import {
  createEmptyPostgresDatabase,
  createQueueName,
  createRedisDatabase,
  postgresUrl,
  queuesBeside,
  rabbitmqUrl,
} from '../support/stores.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const configured = parse(readFileSync(join(root, 'configs/config.yaml'), 'utf8'));

/** `npm start` with or without a configuration, and the simulated Resource Domain: they run until Ctrl-C. */
const goesOn = /^npm start(?: -- (?:-conf \S+|resource .*))?$/;
const isReady = /Ctrl-C stops it|"event":"started"|answers on /;
/** Printed after the log line of the start. */
const isGreeted = /Ctrl-C stops it/;
/** It runs this test. */
const notTyped = ['npm test'];

let clone: FreshClone | undefined;
const takeClone = () => {
  clone ??= createFreshClone();
  return clone.folder;
};
afterAll(() => clone?.[Symbol.dispose]());

/** Types every command of a section; `replace` inserts the addresses of the test's own stores. */
class Reader {
  readonly printed = new Map<string, Printed>();
  readonly url: string;
  readonly shell: Shell;

  constructor(port: number, settings: Record<string, string>) {
    this.url = `http://127.0.0.1:${port}`;
    const folder = takeClone();
    const usual = [
      configured.server.http.addr,
      configured.server.http.addr.replace('127.0.0.1', 'localhost'),
    ];
    // A curl configuration that redirects to the test's port, so that the command stays as documented.
    const curlrc = usual.map((address) => `connect-to = "${address}:127.0.0.1:${port}"`);
    writeFileSync(
      join(folder, '.curlrc'),
      `${curlrc.join('\n')}\nsilent\nfail-with-body\nwrite-out = "%{stderr}%{http_code}"\n`,
    );
    const { PATH, HOME } = process.env;
    this.shell = new Shell(folder, {
      PATH,
      HOME,
      CURL_HOME: folder,
      WEIR_SERVER_HTTP_ADDR: `127.0.0.1:${port}`,
      WEIR_SERVER_HTTP_DRAINMS: '0',
      ...settings,
    });
  }

  async type({ command, shown }: Step, replace = (text: string) => text): Promise<void> {
    if (notTyped.includes(command)) return;
    const printed = goesOn.test(command)
      ? await this.#start(command, shown ? isGreeted : isReady)
      : await this.shell.run(replace(command));
    const seen = `\`${command}\` printed ${printed.stdout}${printed.stderr}`;
    // doctor ends with 5 when a store of this machine can lose data, and names it.
    const codes = command.startsWith('npm start -- doctor') ? [0, 5] : [0];
    if (!goesOn.test(command)) expect(codes, seen).toContain(printed.code);
    if (shown?.language === 'json') {
      expect(normalise(JSON.parse(printed.stdout)), seen).toEqual(normalise(JSON.parse(shown.text)));
    } else if (shown) {
      expect(this.#withUsualPort(printed.stdout), seen).toContain(shown.text);
    }
    this.printed.set(command, printed);
  }

  /** The output of the only command that begins like this. */
  of(beginning: string): Printed {
    const [found, ...more] = [...this.printed.keys()].filter((command) => command.startsWith(beginning));
    expect([found, more], `the one command that begins with ${beginning}`).toEqual([expect.anything(), []]);
    return this.printed.get(found ?? '') as Printed;
  }

  async #start(command: string, ready: RegExp): Promise<Printed> {
    const running: Background = await this.shell.start(command, ready);
    onTestFinished(() => running[Symbol.asyncDispose]());
    onTestFinished(() => running.interrupt());
    return running.output;
  }

  #withUsualPort(text: string): string {
    return text.replaceAll(new URL(this.url).host, configured.server.http.addr);
  }
}

/** Ids and times differ in each run. */
function normalise(answer: Record<string, unknown>): Record<string, unknown> {
  const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);
  const isId = (value: unknown) => typeof value === 'string' && /^\d{17,}$/.test(value);
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [
      name,
      isTime(value) ? 'TIME' : isId(value) ? 'ID' : value,
    ]),
  );
}

test('each command of the quick start does in a fresh clone what README.md shows', async (context) => {
  requirePrograms(context, 'git', 'curl');
  const reader = new Reader(await findFreePort(), {});
  const steps = readSteps(readSection(readme, 'Quick start'));
  expect(steps.length).toBeGreaterThan(8);
  const pay = steps.find(({ command }) => command.includes('/paid')) as Step;
  for (const step of steps) {
    await reader.type(step);
    if (step !== pay) continue;
    const first = reader.of(pay.command);
    const repeat = await reader.shell.run(pay.command);
    expect([first.stderr, repeat.stderr, repeat.stdout]).toEqual(['201', '200', first.stdout]);
    const { instanceId } = JSON.parse(first.stdout);
    await pollUntil('the simulated Resource Domain to build the instance', 20_000, async () => {
      const answer = await fetch(`${reader.url}/v1/instances/${instanceId}`);
      expect(await answer.json()).toMatchObject({ status: 'SUCCESS' });
    });
  }
  expect(reader.of('npm start -- load').stdout).toMatch(/^stream .*^order .*^instance /ms);
  expect(reader.of('npm start -- sale open').stdout).toMatch(/^stock +3$/m);
  expect(JSON.parse(reader.of('curl -X POST http://127.0.0.1:8000/v1/sales').stdout)).toMatchObject({
    productId: '1002',
    userId: '7',
  });
  expect(reader.of('npm start -- sale show').stdout).toMatch(/^sold +1\nremaining +2$/m);
  expect(reader.of('npm start -- instances list').stdout).toMatch(/^\d+ +(?:SUCCESS|PROCESSING) /m);
  expect(reader.of('npm start -- audit').stdout).toContain('Every sum holds');
}, 180_000);

test('each command for real stores does in a fresh clone what README.md says', async (context) => {
  requirePrograms(context, 'git', 'curl', 'psql', 'redis-cli');
  const databaseUrl = await createEmptyPostgresDatabase();
  // Weir creates a missing database.
  await drop(databaseUrl);
  const redisUrl = await createRedisDatabase();
  const queue = createQueueName();
  const reader = new Reader(await findFreePort(), {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: redisUrl,
    WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
    WEIR_DATA_RABBITMQ_QUEUE: queue,
    ...queuesBeside(queue),
  });
  const steps = readSteps(readSection(readme, 'Real stores'));
  expect(steps.length).toBeGreaterThan(6);
  const replace = (command: string) =>
    command
      .replace(configured.data.database.source, databaseUrl)
      .replace(/^redis-cli /, `redis-cli -u ${redisUrl} `);
  const client = new pg.Client(databaseUrl);
  const readRows = async () =>
    (await client.query('SELECT source, status, user_id::text AS user FROM instance_logs ORDER BY 1')).rows;
  const both = (status: string) => ['ORDER', 'SECKILL'].map((source) => ({ source, status, user: '123' }));
  for (const step of steps) {
    if (step.command.startsWith('psql ')) {
      await client.connect();
      onTestFinished(() => client.end());
      await pollUntil('both instances', 20_000, async () =>
        expect(await readRows()).toEqual(both('PROCESSING')),
      );
    }
    await reader.type(step, replace);
  }
  for (const store of ['PostgreSQL', 'Redis', 'RabbitMQ']) {
    expect(reader.of('npm start -- doctor').stdout).toMatch(new RegExp(`^[✓!] ${store}: `, 'm'));
  }
  expect(reader.of('psql ').stdout).toMatch(/PROCESSING[\s\S]+PROCESSING[\s\S]+\(2 rows\)/);
  await pollUntil('the simulated Resource Domain to answer', 20_000, async () =>
    expect(await readRows()).toEqual(both('SUCCESS')),
  );
}, 180_000);

async function drop(databaseUrl: string): Promise<void> {
  const client = new pg.Client(postgresUrl());
  await client.connect();
  await client.query(`DROP DATABASE ${new URL(databaseUrl).pathname.slice(1)}`);
  await client.end();
}
