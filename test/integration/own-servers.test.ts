import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import amqp from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { askPostgres, askRabbitmq, askRedis } from '../../scripts/services/ask.mjs';
import { isFreePort } from '../../scripts/services/find.mjs';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { startOwnRabbitmq } from '../support/own-rabbitmq.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { pollUntil } from '../support/poll-until.ts';

describe.concurrent('a server of its own', { timeout: 60_000 }, () => {
  test('PostgreSQL survives kill and restart with its data, and freezes as a whole', async () => {
    await using server = await startOwnPostgres({ settings: { work_mem: '5MB' } });
    await query(server.url, 'create table kept (n int); insert into kept values (7)');
    await server.kill();
    await expect(askPostgres(server.url)).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 7 }]);
    expect(await query(server.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
    expect(await query(server.url, 'show work_mem')).toEqual([{ work_mem: '5MB' }]);

    const client = new pg.Client(server.url);
    client.on('error', () => {});
    await client.connect();
    server.pause();
    const answer = client.query('select 1 as one').then(({ rows }) => rows);
    await expect(askPostgres(server.url)).rejects.toThrow('no answer within 2 s');
    expect(await Promise.race([answer, 'silent'])).toBe('silent');
    server.resume();
    expect(await answer).toEqual([{ one: 1 }]);

    await server.stop();
    await expect(askPostgres(server.url)).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 7 }]);
    await server.dispose();
    expect(existsSync(server.folder)).toBe(false);
  });

  test('Redis survives kill and restart with its data, and freezes', async () => {
    await using server = await startOwnRedis({ config: { maxmemory: '64mb' } });
    await command(server.url, (redis) => redis.xadd('stream', '*', 'uid', '123'));
    await server.kill();
    await server.restart();
    expect(await command(server.url, (redis) => redis.xlen('stream'))).toBe(1);
    expect(await command(server.url, (redis) => redis.config('GET', 'maxmemory'))).toContain('67108864');
    server.pause();
    await expect(askRedis(server.url)).rejects.toThrow('no answer within 2 s');
    await server.restart();
    expect(await command(server.url, (redis) => redis.xlen('stream'))).toBe(1);
  });

  test('Redis without appendonly comes back empty', async () => {
    await using server = await startOwnRedis({ appendonly: false });
    await command(server.url, (redis) => redis.set('key', 'value'));
    await server.restart();
    expect(await command(server.url, (redis) => redis.exists('key'))).toBe(0);
  });

  test('RabbitMQ blocks its publishers on request, freezes, and stops', async () => {
    await using server = await startOwnRabbitmq();
    const connection = await amqp.connect(server.url);
    connection.on('error', () => {});
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => {});
    await channel.assertQueue('kept', { durable: true });
    channel.sendToQueue('kept', Buffer.from('x'), { persistent: true });
    await channel.waitForConfirms();

    const blocked = once(connection, 'blocked');
    await server.ctl('set_vm_memory_high_watermark', '0');
    channel.sendToQueue('kept', Buffer.from('y'), { persistent: true });
    await blocked;

    server.pause();
    await expect(askRabbitmq(server.url)).rejects.toThrow('no answer within 2 s');
    server.resume();
    await server.stop();
    await expect(askRabbitmq(server.url)).rejects.toThrow('ECONNREFUSED');
  });

  test('a server that cannot start reports its log', async () => {
    const start = startOwnRedis({ config: { nonsense: 'yes' } });
    await expect(start).rejects.toThrow(/ended instead of starting[\s\S]*nonsense/);
  });

  test('a server ends with the test process, even when both were stopped by force', async () => {
    const program = `
      import { runnerImport } from 'vite';
      const { module } = await runnerImport('./test/support/own-redis.ts', { configFile: false });
      const server = await module.startOwnRedis();
      server.pause();
      console.log(JSON.stringify(server));
      setInterval(() => {}, 1000);`;
    const tester = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(tester.stdout), 'line');
    const { folder, port } = JSON.parse(line) as { folder: string; port: number };
    expect(await isFreePort(port)).toBe(false);
    tester.kill('SIGKILL');
    await pollUntil('server and folder should be gone', 10_000, async () => {
      if (!(await isFreePort(port))) throw new Error(`port ${port} is still taken`);
      if (existsSync(folder)) throw new Error(`${folder} is still there`);
    });
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query(sql);
    return rows;
  } finally {
    await client.end();
  }
}

async function command<T>(url: string, send: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    return await send(redis);
  } finally {
    redis.disconnect();
  }
}
