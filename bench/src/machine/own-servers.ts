import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Launch } from '../../../scripts/services/prepare.mjs';
import type { Addresses } from '../addresses.ts';
import type { Bench } from '../bench.ts';
import { rootFolder } from '../folders.ts';

const answersWithinMs = 90_000;
const stoppedWithinMs = 10_000;

/** The scripts of `npm run services` are outside of the compiled files. */
type Scripts = typeof import('../../../scripts/services/ask.mjs') &
  typeof import('../../../scripts/services/find.mjs') &
  typeof import('../../../scripts/services/prepare.mjs');

/** Settings of a careful operator; everything else is the server's default. */
const postgresSettings = {
  ...{ fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', autovacuum: 'on' },
  ...{ shared_buffers: '1GB', max_wal_size: '8GB', max_connections: '200' },
};
export const redisConfig = { appendonly: 'yes', appendfsync: 'everysec' };

/**
 * Starts PostgreSQL, Redis and RabbitMQ from the installed programs, empty and with durable settings; removed
 * at the end.
 */
export async function startOwnServers(bench: Bench): Promise<Addresses> {
  bench.progress.say('starting PostgreSQL, Redis and RabbitMQ ...');
  const scripts = await loadScripts();
  const { askPostgres, askRabbitmq, askRedis, findFreePort } = scripts;
  const { preparePostgres, prepareRabbitmq, prepareRedis } = scripts;
  const placeIn = async (folder: string) => ({ folder, port: await findFreePort() });
  const [postgres, redis, rabbitmq] = [newFolder(bench), newFolder(bench), newFolder(bench)];
  const distributionPort = await findFreePort();
  const launches = [
    await preparePostgres({ ...(await placeIn(postgres)), settings: postgresSettings }),
    await prepareRedis({ ...(await placeIn(redis)), config: redisConfig }),
    await prepareRabbitmq({ ...(await placeIn(rabbitmq)), distributionPort }),
  ] as const;
  await Promise.all([
    start(bench, launches[0], postgres, 'SIGINT', askPostgres),
    start(bench, launches[1], redis, 'SIGTERM', askRedis),
    start(bench, launches[2], rabbitmq, 'SIGTERM', askRabbitmq),
  ]);
  return { postgres: launches[0].url, redis: `${launches[1].url}/9`, rabbitmq: `${launches[2].url}/` };
}

/** Starts a Redis from the installed program, empty; removed at the end. @returns its address */
export async function startOwnRedis(bench: Bench, config: Readonly<Record<string, string>>): Promise<URL> {
  const { askRedis, findFreePort, prepareRedis } = await loadScripts();
  const folder = newFolder(bench);
  const launch = await prepareRedis({ folder, port: await findFreePort(), config });
  await start(bench, launch, folder, 'SIGTERM', askRedis);
  return new URL(launch.url);
}

function newFolder(bench: Bench): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-server-'));
  bench.cleanup.add(`folder ${folder}`, async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function loadScripts(): Promise<Scripts> {
  const load = (name: string) => import(pathToFileURL(join(rootFolder, 'scripts/services', name)).href);
  const [ask, find, prepare] = await Promise.all(['ask.mjs', 'find.mjs', 'prepare.mjs'].map(load));
  return { ...ask, ...find, ...prepare } as Scripts;
}

async function start(
  bench: Bench,
  launch: Launch,
  folder: string,
  stopSignal: NodeJS.Signals,
  ask: (url: string) => Promise<unknown>,
): Promise<void> {
  const logFile = join(folder, 'server.log');
  const log = openSync(logFile, 'a');
  // A process group of its own: Ctrl-C must reach Weir first, and RabbitMQ has children.
  const child = spawn(launch.program, launch.args, {
    ...launch.options,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  await once(child, 'spawn');
  bench.cleanup.add(`process ${child.pid} (${launch.program})`, () => stop(child, stopSignal));
  const deadline = performance.now() + answersWithinMs;
  while (true) {
    bench.signal.throwIfAborted();
    const reason = await ask(launch.url).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (reason === undefined) return;
    if (child.exitCode !== null || performance.now() > deadline) {
      const tail = readFileSync(logFile, 'utf8').split('\n').slice(-10).join('\n');
      throw new Error(`cannot start ${launch.program}: ${reason}\n${tail}`);
    }
    await sleep(200);
  }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const outcome = await Promise.race([ended, sleep(stoppedWithinMs, 'hangs', { ref: false })]);
  if (outcome !== 'hangs') return;
  process.kill(-child.pid, 'SIGKILL');
  await ended;
}
