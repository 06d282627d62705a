import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { rootFolder } from '../folders.ts';
import { forgetInstallation } from '../stores/stream.ts';
import { findFreePort } from './free-port.ts';

const readyWithinMs = 60_000;
const stoppedWithinMs = 10_000;
const logLinesShown = 15;

export interface Program {
  readonly pid: number;
  readonly port: number;
  /** Throws, with the end of its log, once the program has ended by itself. */
  throwIfGone(): void;
  /** For a command that ends by itself; rejects when it does not end with 0. */
  waitUntilEnded(): Promise<void>;
  /** The last lines it wrote, for a message about a failure. */
  readLogTail(): string;
}

/** Starts Weir as a user would, and waits until it reports that it is ready. Stopped at the end. */
export async function startWeir(
  bench: Bench,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  isReplica = false,
): Promise<Program> {
  if (!isReplica) await forgetInstallation(bench);
  const program = await startCommand(bench, ['start', ...args], settings);
  await waitUntilReady(bench, program);
  return program;
}

/** Any command of the program, stopped at the end. */
export async function startCommand(
  bench: Bench,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  bench.cleanup.add(`folder ${folder}`, async () => rmSync(folder, { recursive: true, force: true }));
  const port = await findFreePort();
  const logFile = join(folder, 'weir.log');
  const log = openSync(logFile, 'w');
  // In a folder of its own and without the caller's settings: neither must lead to a foreign store.
  const child = spawn(process.execPath, [join(rootFolder, 'dist/main.js'), ...args], {
    cwd: folder,
    env: {
      ...withoutWeirSettings(process.env),
      WEIR_SERVER_HTTP_ADDR: `127.0.0.1:${port}`,
      WEIR_SERVER_HTTP_DRAINMS: '0',
      WEIR_DATA_EMBEDDED_FOLDER: join(folder, 'embedded'),
      ...settings,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  bench.cleanup.add(`process ${child.pid} (weir)`, () => stop(child));
  await once(child, 'spawn');

  const readLogTail = () =>
    readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-logLinesShown).join('\n');
  const throwIfGone = () => {
    if (!hasEnded(child)) return;
    throw new Error(
      `weir ended by itself (${child.signalCode ?? `exit code ${child.exitCode}`}):\n${readLogTail()}`,
    );
  };
  const ended = once(child, 'exit');
  const waitUntilEnded = async () => {
    const [code] = await ended;
    if (code !== 0) throw new Error(`weir ${args[0]} ended with ${code}:\n${readLogTail()}`);
  };
  return { pid: child.pid ?? 0, port, throwIfGone, waitUntilEnded, readLogTail };
}

/** Weir on the real stores. The caller creates and deletes `queue` and its result queue. */
export function settingsOf(bench: Bench, database: string, queue: string): Record<string, string> {
  return {
    WEIR_DATA_DATABASE_SOURCE: database,
    WEIR_DATA_REDIS_ADDR: bench.addresses.redis,
    WEIR_DATA_RABBITMQ_URL: bench.addresses.rabbitmq,
    WEIR_DATA_RABBITMQ_QUEUE: queue,
    WEIR_DATA_RABBITMQ_RESULTQUEUE: `${queue}.result`,
    WEIR_DATA_RABBITMQ_QUEUETYPE: 'quorum',
  };
}

async function waitUntilReady(bench: Bench, program: Program): Promise<void> {
  const deadline = performance.now() + readyWithinMs;
  while (performance.now() < deadline) {
    bench.signal.throwIfAborted();
    program.throwIfGone();
    if (await isReady(program.port)) return;
    await sleep(100);
  }
  throw new Error(`weir was not ready within ${readyWithinMs / 1000} s:\n${program.readLogTail()}`);
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false; // not listening yet
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const outcome = await Promise.race([ended, sleep(stoppedWithinMs, 'hangs', { ref: false })]);
  if (outcome !== 'hangs') return;
  child.kill('SIGKILL');
  await ended;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function withoutWeirSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([key]) => !key.startsWith('WEIR_')));
}
