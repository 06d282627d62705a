import { connect } from 'amqplib';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { runCli } from '../../verify/src/cli/run-cli.ts';
import { runVerification } from '../../verify/src/run.ts';
import type { Verdict } from '../../verify/src/verdict.ts';
import { pollUntil } from '../support/poll-until.ts';
import { rabbitmqUrl } from '../support/stores.ts';
import { startInstallation, type TestedInstallation } from './start-installation.ts';

test('a healthy installation holds, and every part of it was checked', async () => {
  const { options, queues } = await startInstallation();
  const written = new Map<string, string>();
  let printed = '';
  const args = [
    ...['--url', options.urls[0] ?? '', '--postgres', options.postgres ?? '', '--redis', options.redis ?? ''],
    ...['--rabbitmq', options.rabbitmq ?? '', '--created-queue', queues.created],
    ...[
      '--result-queue',
      queues.results,
      '--release-queue',
      queues.releases,
      '--refund-queue',
      queues.refunds,
    ],
    ...['--rate', '100', '--count', '160', '--fail', '20', '--json', 'v.json', '--html', 'v.html'],
  ];
  const secrets = { WEIR_KEY: options.key, VERIFY_WEBHOOK_SECRET: options.webhookSecret };
  const code = await runCli(args, secrets, {
    print: (text) => {
      printed += text;
    },
    warn: (text) => console.error(text),
    write: (file, text) => written.set(file, text),
    isTerminal: false,
    signal: new AbortController().signal,
  });
  const verdict: Verdict = JSON.parse(written.get('v.json') ?? '{}');
  expect(verdict.violations).toEqual([]);
  expect(code).toBe(0);
  expect(verdict).toMatchObject({ holds: true, allowed: [], notChecked: [] });
  const { ways, instances, messages, sale } = verdict;
  expect(ways).toMatchObject({
    stream: { sent: 40, ok: 40 },
    order: { sent: 40, ok: 40 },
    instance: { sent: 40, ok: 40 },
    buy: { sent: 40, unknown: 0 },
  });
  expect(ways.buy.refused).toBeGreaterThan(5);
  expect(ways.order.repeats).toBeGreaterThan(5);
  expect(instances?.failed).toBeGreaterThan(5);
  expect(messages?.refunds).toBeGreaterThan(0);
  expect(sale?.stock).toBe(20);
  expect(printed).toContain(`Run ${verdict.run}: HOLDS`);
  expect(printed.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(written.get('v.html')).toContain(`<h1>Run ${verdict.run}: HOLDS</h1>`);
}, 120_000);

test('an installation whose Weir and connections are killed under load holds', async () => {
  const { options, weir, restart, cutStores } = await startInstallation();
  const verdict = await runVerification({
    ...{ ...options, rate: 50, count: 100 },
    async atHalfTime() {
      cutStores();
      weir.process.kill('SIGKILL');
      await weir.exited;
      cutStores();
      await restart();
    },
  });
  expect(verdict.violations).toEqual([]);
  // The kill was noticed: callers lost answers and sent again.
  expect(verdict.ways.instance.lostAnswers + verdict.ways.order.lostAnswers).toBeGreaterThan(0);
  expect(verdict.slowest?.gapMs).toBeGreaterThan(300);
}, 120_000);

test('a row deleted by hand and an event with other bytes are each named', async () => {
  const installation = await startInstallation();
  let deleted = '';
  const verdict = await runVerification({
    ...{ ...installation.options, rate: 100, count: 60, waitMs: 2_000 },
    async atHalfTime() {
      deleted = await deleteSettledRow(installation);
      await publishAgain(installation);
    },
  });
  const named = verdict.violations.map(({ kind, subject }) => `${kind}: ${subject}`);
  expect(verdict.holds).toBe(false);
  expect(named).toContain(`lost: instance ${deleted}`);
  expect(named.filter((name) => name.startsWith('changed bytes: INSTANCE_CREATED '))).toHaveLength(1);
}, 120_000);

/** Of POST /v1/instances. @returns its source id */
async function deleteSettledRow({ database }: TestedInstallation): Promise<string> {
  const { instance_id, source_id } = await findSettled(database, 'VERIFY');
  await database.query('DELETE FROM instance_logs WHERE instance_id = $1', [instance_id]);
  return source_id;
}

/** Settled, so its event was received. */
async function findSettled(database: pg.Pool, source: string) {
  return pollUntil(`a settled instance of ${source}`, 10_000, async () => {
    const { rows } = await database.query<{ instance_id: string; source_id: string }>(
      "SELECT instance_id, source_id FROM instance_logs WHERE source = $1 AND status = 'SUCCESS' LIMIT 1",
      [source],
    );
    if (!rows[0]) throw new Error('none yet');
    return rows[0];
  });
}

/** An event of Weir's with one more field than it had. */
async function publishAgain({ database, queues }: TestedInstallation): Promise<void> {
  const instanceId = BigInt((await findSettled(database, 'ORDER')).instance_id);
  const connection = await connect(rabbitmqUrl);
  const channel = await connection.createConfirmChannel();
  const body = Buffer.concat([Buffer.from([0x10]), encodeVarint(instanceId), Buffer.from([0x78, 1])]);
  channel.sendToQueue(queues.created, body, { messageId: `${instanceId}`, type: 'INSTANCE_CREATED' });
  await channel.waitForConfirms();
  await connection.close();
}

function encodeVarint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
