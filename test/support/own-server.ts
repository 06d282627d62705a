import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Launch } from '../../scripts/services/prepare.mjs';
import { writeLastWill } from './last-will.ts';
import { GiveUp, pollUntil } from './poll-until.ts';
import { findAlive, freezeTree, killGroup, killTree, thaw } from './process-tree.ts';

const deadlineMs = 60_000;

/** A server that one test may stop, fill, freeze or break. It ends with the test process. */
export interface OwnServer extends AsyncDisposable {
  url: string;
  port: number;
  /** Its data, its configuration, and `server.log`. */
  folder: string;
  /** The server's own orderly shutdown; does nothing if it is not running. A frozen one is resumed first. */
  stop(): Promise<void>;
  /** SIGKILL to all its processes; resolves when they have ended. */
  kill(): Promise<void>;
  /** Stops it if it runs and starts it with the same port and data; resolves when it answers. */
  restart(): Promise<void>;
  /** SIGSTOP to all its processes: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Kills it and deletes the folder. */
  dispose(): Promise<void>;
}

export interface Plan {
  title: string;
  folder: string;
  port: number;
  launch: Launch;
  /** Resolves once it serves. */
  ask(url: string): Promise<unknown>;
  stopSignal: NodeJS.Signals;
  /** Releases what outlives both process and folder. */
  release?(): Promise<void>;
}

export function createFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `weir-${name}-`));
}

export async function startOwnServer(plan: Plan): Promise<OwnServer> {
  const { title, folder, port, launch } = plan;
  const log = join(folder, 'server.log');
  const will = writeLastWill(folder);
  let child: ChildProcess | undefined;
  let frozen: number[] = [];

  async function start(): Promise<void> {
    const output = openSync(log, 'a');
    const born = spawn(launch.program, launch.args, {
      ...launch.options,
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    born.unref();
    await once(born, 'spawn');
    child = born;
    will.name([-getPid(born)]);
    await pollUntil(`${title} on port ${port} should answer`, deadlineMs, async () => {
      if (hasEnded(born)) throw new GiveUp(`${title} ended instead of starting. ${quoteLog(log)}`);
      return await plan.ask(launch.url);
    });
  }

  async function stop(): Promise<void> {
    if (!child || hasEnded(child)) return;
    const running = child;
    resume();
    running.kill(plan.stopSignal);
    await pollUntil(`${title} should stop after ${plan.stopSignal}`, deadlineMs, async () => {
      if (!hasEnded(running)) throw new Error(`it still runs. ${quoteLog(log)}`);
    });
    killGroup(getPid(running)); // processes left behind by its shutdown, such as epmd
    will.name([]);
  }

  async function kill(): Promise<void> {
    if (!child || hasEnded(child)) return;
    const dying = child;
    const pids = killTree(getPid(dying));
    killGroup(getPid(dying));
    frozen = [];
    await pollUntil(`${title} should be gone after SIGKILL`, deadlineMs, async () => {
      const alive = findAlive(pids);
      if (alive.length > 0 || !hasEnded(dying)) throw new Error(`alive: ${alive.join(', ')}`);
    });
    will.name([]);
  }

  async function restart(): Promise<void> {
    await stop();
    await start();
  }

  function pause(): void {
    if (!child || hasEnded(child)) throw new Error(`${title} does not run: restart() it before pause().`);
    frozen = freezeTree(getPid(child));
    will.name([-getPid(child), ...frozen]);
  }

  function resume(): void {
    thaw(frozen);
    frozen = [];
  }

  async function dispose(): Promise<void> {
    await kill();
    await plan.release?.();
    await rm(folder, { recursive: true, force: true });
    will.revoke();
  }

  const server = { url: launch.url, port, folder, stop, kill, restart, pause, resume, dispose };
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return { ...server, [Symbol.asyncDispose]: dispose };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function getPid(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('The process was never born.');
  return child.pid;
}

function quoteLog(file: string): string {
  return `Its log ends with:\n${readFileSync(file, 'utf8').trim().split('\n').slice(-15).join('\n')}`;
}
