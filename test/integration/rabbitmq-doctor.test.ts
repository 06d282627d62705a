import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../scripts/services/find.mjs';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { diagnoseRabbitmq } from '../../src/adapters/rabbitmq/diagnose-rabbitmq.ts';
import { RabbitmqPublisher } from '../../src/adapters/rabbitmq/publisher.ts';
import { expectAuditHolds } from '../support/life.ts';
import { lacks } from '../support/newer.ts';
import { type OwnRabbitmq, startOwnRabbitmq } from '../support/own-rabbitmq.ts';
import { createFolder } from '../support/own-server.ts';
import { createProduct } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createPostgresDatabase, createRedisDatabase, uniqueName } from '../support/stores.ts';
import { startWeir } from '../support/weir.ts';

const missing = lacks('rabbitmq4');

/** An authority with a certificate for the server and one for a client. */
function createCertificates(): Record<'ca' | 'cert' | 'key', string> {
  const folder = createFolder('tls');
  const [ca, caKey, cert, key] = ['ca.pem', 'ca.key', 'own.pem', 'own.key'].map((name) => join(folder, name));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const create = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(...create, '-subj', '/CN=weir test', '-keyout', caKey as string, '-out', ca as string);
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const signed = ['-CA', ca as string, '-CAkey', caKey as string, '-addext', names];
  openssl(...create, '-subj', '/CN=localhost', ...signed, '-keyout', key as string, '-out', cert as string);
  return { ca: ca as string, cert: cert as string, key: key as string };
}

describe.skipIf(missing)('a broker with the management plugin and TLS', () => {
  let broker: OwnRabbitmq;
  let tls: ReturnType<typeof createCertificates>;
  let managementUrl: string;
  let tlsUrl: string;
  /** Another address of the same broker. */
  let secondPort: number;
  const none = { ca: '', cert: '', key: '' };

  beforeAll(async () => {
    tls = createCertificates();
    const [managementPort, tlsPort] = [await findFreePort(), await findFreePort()];
    secondPort = await findFreePort();
    managementUrl = `http://127.0.0.1:${managementPort}`;
    tlsUrl = `amqp://guest:guest@localhost:${tlsPort}`;
    broker = await startOwnRabbitmq({
      version: 4,
      plugins: ['rabbitmq_management'],
      config: {
        'management.tcp.ip': '127.0.0.1',
        'management.tcp.port': String(managementPort),
        'listeners.tcp.second': `127.0.0.1:${secondPort}`,
        'listeners.ssl.local': `127.0.0.1:${tlsPort}`,
        'ssl_options.cacertfile': tls.ca,
        'ssl_options.certfile': tls.cert,
        'ssl_options.keyfile': tls.key,
        'ssl_options.verify': 'verify_peer',
        'ssl_options.fail_if_no_peer_cert': 'true',
      },
    });
  });
  afterAll(async () => {
    await broker?.dispose();
    rmSync(dirname(tls.ca), { recursive: true, force: true });
  });

  function diagnose(queues: string[], options: Partial<Parameters<typeof diagnoseRabbitmq>[0]> = {}) {
    const terms = { queueType: 'quorum' as const, deadLetterQueue: `${queues[0]}.dead-letter` };
    return diagnoseRabbitmq({ url: broker.url, tls: none, managementUrl, queues, ...terms, ...options });
  }

  async function declare(queue: string, args: Record<string, unknown>, flags = {}): Promise<void> {
    const connection = await connect(broker.url);
    onTestFinished(() => connection.close());
    const channel = await connection.createChannel();
    await channel.assertQueue(queue, { durable: true, ...flags, arguments: args });
  }

  test('doctor finds nothing on queues that Weir made', async () => {
    const findings = await diagnose([uniqueName('q'), uniqueName('q')]);
    expect(findings.map(({ level }) => level)).toEqual(['ok', 'ok', 'ok']);
  });

  test('doctor names every argument by which an existing queue can lose messages', async () => {
    const [queue, other] = [uniqueName('q'), uniqueName('q')];
    await declare(queue, {
      ...{ 'x-queue-type': 'quorum', 'x-message-ttl': 1_000, 'x-expires': 90_000, 'x-max-length': 10 },
      ...{ 'x-max-length-bytes': 1_000_000, 'x-delivery-limit': 5, 'x-single-active-consumer': true },
    });
    await declare(
      other,
      { 'x-queue-type': 'classic', 'x-max-priority': 3 },
      { durable: false, autoDelete: true },
    );
    const [, first, second] = await diagnose([queue, other]);
    for (const words of [
      '1000 ms',
      '90000 ms',
      'above 10 ',
      'above 1000000 ',
      '5 returns',
      'no dead-letter exchange',
    ]) {
      expect(first?.what).toContain(words);
    }
    for (const words of ['not durable', 'auto-delete', 'no dead-letter exchange']) {
      expect(second?.what).toContain(words);
    }
  });

  test('doctor names policies, and after the command that it gives it finds nothing', async () => {
    const queue = uniqueName('q');
    await declare(queue, { 'x-queue-type': 'quorum' });
    await broker.ctl('set_policy', '--priority', '3', 'low', `^${queue}$`, '{"delivery-limit":3}');
    await broker.ctl('set_operator_policy', 'operators', `^${queue}$`, '{"message-ttl":5000}');
    const [, warned] = await pollUntil('the policy to be seen', 15_000, async () => {
      const findings = await diagnose([queue]);
      expect(findings[1]?.what).toContain('policy low');
      expect(findings[1]?.what).toContain('(message-ttl of operator policy operators)');
      return findings;
    });
    expect(warned?.what).toMatch(/3 returns \(delivery-limit of policy low\)/);
    expect(warned?.what).toContain('(message-ttl of operator policy operators)');
    // Each command as a shell would parse it.
    for (const [, command = ''] of (warned?.advice ?? '').matchAll(/rabbitmqctl (.*?)(?:; then|$)/g)) {
      const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, plain]) => quoted ?? plain ?? '',
      );
      await broker.ctl(...words);
    }
    await pollUntil('the queue to be cured', 15_000, async () => {
      expect((await diagnose([queue]))[1]).toMatchObject({ level: 'ok' });
    });
  });

  test('doctor reports that policies are unknown where the management plugin is silent', async () => {
    const managementUrl = `http://127.0.0.1:${await findFreePort()}`;
    const last = (await diagnose([uniqueName('q')], { managementUrl })).at(-1);
    expect(last?.what).toContain(`policies cannot be read without the management plugin (${managementUrl}`);
  });

  test('doctor names each node that does not answer and examines queues on another', async () => {
    const dead = `127.0.0.1:${await findFreePort()}`;
    const url = `amqp://guest:guest@${dead},127.0.0.1:${broker.port},127.0.0.1:${secondPort}`;
    const [first, second, third, queue, copies] = await diagnose([uniqueName('q')], { url });
    expect(first).toMatchObject({ level: 'problem', what: expect.stringContaining(`node ${dead}: connect`) });
    expect(first?.advice).toContain('Weir uses the others meanwhile');
    for (const living of [second, third]) expect(living).toMatchObject({ level: 'ok' });
    expect(queue).toMatchObject({ level: 'ok' });
    expect(copies?.what).toContain('1 of 3 copies');
    expect(copies?.advice).toContain('rabbitmq-queues grow');
  });

  test('doctor names a wrong password and a missing virtual host in one sentence each', async () => {
    const wrong = async (url: string) => (await diagnose([uniqueName('q')], { url }))[0];
    expect(await wrong(`amqp://guest:wrong@127.0.0.1:${broker.port}`)).toMatchObject({
      what: expect.stringContaining('ACCESS_REFUSED'),
      advice: 'correct user and password in data.rabbitmq.url',
    });
    expect((await wrong(`amqp://guest:guest@127.0.0.1:${broker.port}/nowhere`))?.what).toContain(
      'cannot open virtual host nowhere',
    );
  });

  test('a private authority and client certificate work, and doctor names a missing one', async () => {
    const queue = uniqueName('q');
    const options = {
      url: tlsUrl,
      queue,
      queueType: 'quorum' as const,
      deadLetterQueue: `${queue}.dead-letter`,
    };
    const quiet = { onDown() {}, onUp() {}, onWarning() {} };
    const publisher = new RabbitmqPublisher({ ...options, ...quiet, tls, confirmDeadlineMs: 5_000 });
    onTestFinished(() => publisher.close());
    await publisher.ready(AbortSignal.timeout(15_000));
    expect(await publisher.publish([{ id: '1', body: Buffer.from('x') }])).toEqual([]);

    const advice = async (files: Partial<typeof tls>) =>
      (await diagnose([queue], { url: tlsUrl.replace('amqp:', 'amqps:'), tls: { ...none, ...files } }))[0]
        ?.advice;
    expect(await advice({})).toContain('set data.rabbitmq.tls.ca');
    expect(await advice({ ca: tls.ca })).toContain('data.rabbitmq.tls.cert');
    expect(await advice({ ca: '/nowhere.pem' })).toContain('correct the path');
    expect(await advice(tls)).toBe('');
  });

  test('a purchase goes through a list of nodes with client certificates', async () => {
    const port = new URL(tlsUrl).port;
    const list = `amqps://guest:guest@localhost:${port},127.0.0.1:${port}/`;
    const url = await createPostgresDatabase();
    const database = openPostgresServer({ url, maxConnections: 1, onConnectionError() {} });
    onTestFinished(() => database.close());
    await createProduct(database);
    const env = {
      WEIR_DATA_DATABASE_SOURCE: url,
      WEIR_DATA_REDIS_ADDR: await createRedisDatabase(),
      WEIR_DATA_RABBITMQ_URL: list,
      WEIR_DATA_RABBITMQ_QUEUE: uniqueName('q'),
      WEIR_DATA_RABBITMQ_TLS_CA: tls.ca,
      WEIR_DATA_RABBITMQ_TLS_CERT: tls.cert,
      WEIR_DATA_RABBITMQ_TLS_KEY: tls.key,
      WEIR_RESOURCE_SIMULATE: 'true',
      WEIR_RESOURCE_DELAYMS: '0',
    };
    const weir = await startWeir(env);
    const order = { productId: '1001', userId: '7' };
    expect((await weir.request('POST', '/v1/orders/1/paid', order)).status).toBe(201);
    await expectAuditHolds(weir);

    const find = async (nodes: string, files: Partial<typeof tls>) => {
      const findings = await diagnose([uniqueName('q')], { url: nodes, tls: { ...none, ...files } });
      return findings.slice(0, 2).map(({ what, advice }) => `${what} → ${advice}`);
    };
    const expectBoth = async (nodes: string, files: Partial<typeof tls>, pattern: RegExp) =>
      expect(await find(nodes, files)).toEqual([
        expect.stringMatching(pattern),
        expect.stringMatching(pattern),
      ]);
    await expectBoth(list, {}, /^node .*: self-signed certificate.* → set data\.rabbitmq\.tls\.ca/);
    await expectBoth(list, { ca: tls.ca }, /^node .*: .*certificate required → set .*rabbitmq\.tls\.cert/);
    const plainPorts = `amqps://guest:guest@127.0.0.1:${broker.port},127.0.0.1:${secondPort}/`;
    await expectBoth(plainPorts, tls, /^node .* → this port does not use TLS/);
    await expectBoth(list.replace('amqps', 'amqp'), {}, /^node .* → .*amqps:\/\/ where it requires TLS/);

    const untrusting = await startWeir({ ...env, WEIR_DATA_RABBITMQ_TLS_CA: tls.cert });
    await pollUntil('readyz to name the cause', 10_000, async () =>
      expect((await untrusting.request('GET', '/readyz')).body.queue).toMatch(
        /^not connected: .*certificate/,
      ),
    );
    expect(JSON.stringify(untrusting.lines)).toMatch(/store_failed.*certificate/);
  });
});
