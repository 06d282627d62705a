import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFailed, onTestFinished } from 'vitest';
import { type LastWill, writeLastWill } from './last-will.ts';
import { GiveUp, pollUntil } from './poll-until.ts';
import { builtProgram } from './seeded-bug.ts';
import { queuesBeside } from './stores.ts';

export interface LogLine {
  msg: string;
  [field: string]: unknown;
}

export interface RunningWeir {
  url: string;
  process: ChildProcess;
  lines: LogLine[];
  /** Resolves with the exit code, or the signal's name. */
  exited: Promise<number | string>;
  /** Waits for a log line. */
  waitFor(msg: string): Promise<LogLine>;
  /** Sends SIGTERM and waits for the exit. */
  stop(): Promise<number | string>;
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<HttpAnswer>;
}

export interface HttpAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on what it does not find
  body: any;
}

const program = builtProgram();

/** Other tests on the same cores delay the event loop: buyers get no 503 for it, unless the test is about that. */
export const patientBuyers = { WEIR_SALE_MAXLOOPDELAYMS: '1000' };

/** The built program as a process of its own, configured by `env` only; it ends with the test. */
export function spawnWeir(args: readonly string[], env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      WEIR_LOG_LEVEL: 'debug',
      WEIR_LOG_FORMAT: 'json',
      // No Resource Domain answers unless the test asks for one, so instances stay PROCESSING.
      WEIR_RESOURCE_SIMULATE: 'false',
      // No balancer is in front, so a stop need not wait.
      WEIR_SERVER_HTTP_DRAINMS: '0',
      ...patientBuyers,
      ...(env.WEIR_DATA_RABBITMQ_QUEUE ? queuesBeside(env.WEIR_DATA_RABBITMQ_QUEUE) : {}),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
    bequeath(child, 'ended');
  });
  bequeath(child, 'running');
  return child;
}

const will: { pids: Set<number>; last?: LastWill } = { pids: new Set() };

/** A Weir that starts after its test has timed out is not stopped by it, so it ends with this worker. */
function bequeath({ pid }: ChildProcess, state: 'running' | 'ended'): void {
  if (pid === undefined) return;
  will.last ??= writeLastWill();
  if (state === 'running') will.pids.add(pid);
  else will.pids.delete(pid);
  will.last.name([...will.pids]);
}

/**
 * Starts Weir on a free port and waits until it logs that it has started (`until`: another line to wait for).
 */
export async function startWeir(
  env: Record<string, string>,
  args: readonly string[] = ['start'],
): Promise<RunningWeir> {
  const weir = launchWeir(env, args);
  weir.url = String((await weir.waitFor('started')).addr);
  return weir;
}

export function launchWeir(env: Record<string, string>, args: readonly string[] = ['start']): RunningWeir {
  const child = spawnWeir(args, { WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0', ...env });
  const lines: LogLine[] = [];
  const raw: string[] = [];
  const exited = once(child, 'exit').then(([code, signal]) => (signal as string | null) ?? (code as number));
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    raw.push(line);
    try {
      lines.push(JSON.parse(line));
    } catch {
      lines.push({ msg: line });
    }
  });
  onTestFailed(() => console.error(`the last lines of Weir's log:\n${raw.slice(-30).join('\n')}`));
  const weir: RunningWeir = {
    url: '',
    process: child,
    lines,
    exited,
    async waitFor(msg) {
      return pollUntil(`the log line "${msg}"`, 60_000, async () => {
        const line = lines.find((candidate) => candidate.msg === msg);
        if (line) return line;
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new GiveUp(`Weir ended with ${child.exitCode ?? child.signalCode}: ${raw.at(-1)}`);
        }
        throw new Error(raw.at(-1) ?? 'nothing logged yet');
      });
    },
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
    request: (method, path, body, headers) => sendRequest(weir.url + path, method, body, headers),
  };
  return weir;
}

export async function sendRequest(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  const json = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(json === undefined ? {} : { body: json }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parse(text) };
}

/** Runs a command to its end. */
export async function runWeir(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const child = spawnWeir(args, env);
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const [code, signal] = await once(child, 'close');
  return { code: signal ?? code, ...output };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
