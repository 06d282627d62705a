import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { lockFolder } from '../../src/adapters/embedded/folder-lock.ts';
import { skipsWithout } from '../support/gates.ts';
import { builtModule } from '../support/seeded-bug.ts';
import { createFolder } from '../support/stores.ts';

/** Prints its pid, waits for a line, locks the folder, prints the outcome, and runs until it is killed. */
const opener = `
  const { lockFolder } = await import(process.argv[1]);
  console.log(process.pid);
  await new Promise((resolve) => process.stdin.once('data', resolve));
  console.log(await lockFolder(process.argv[2]).then(() => 'locked', (error) => error.message));
  setInterval(() => {}, 60_000);`;

interface Opener {
  process: ChildProcess;
  /** As the process sees it. */
  pid: string;
  open(): Promise<string>;
}

async function startOpener(folder: string, before: string[] = []): Promise<Opener> {
  const node = [process.execPath, '--input-type=module', '-e', opener];
  const [command = '', ...args] = [...before, ...node, builtModule('adapters/embedded/folder-lock'), folder];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const read = async () => String((await lines.next()).value);
  const pid = await read();
  return {
    process: child,
    pid,
    open() {
      child.stdin?.write('\n');
      return read();
    },
  };
}

/** A pid namespace of its own, like a container: the process in it is pid 1. */
const inOwnNamespace =
  process.getuid?.() === 0 ? ['unshare', '-pf', '--kill-child'] : ['unshare', '-Urpf', '--kill-child'];
const [unshare = '', ...namespaceArgs] = inOwnNamespace;
const hasNamespaces = spawnSync(unshare, [...namespaceArgs, 'true']).status === 0;

test('exactly one of several processes that open a folder at the same time gets it', async () => {
  const folder = await createFolder();
  // What a killed process leaves behind; taking that over is the race of a lock that consists of files only.
  const dead = await startOpener(folder);
  await dead.open();
  dead.process.kill('SIGKILL');
  await once(dead.process, 'exit');
  const openers = await Promise.all(Array.from({ length: 5 }, () => startOpener(folder)));
  const results = await Promise.all(openers.map(({ open }) => open()));
  expect(results.filter((result) => result === 'locked')).toHaveLength(1);
  expect(results.filter((result) => result.startsWith(`cannot open ${folder}: `))).toHaveLength(4);
});

test('a folder that is open is refused with the pid and the host of its holder', async () => {
  const folder = await createFolder();
  const holder = await startOpener(folder);
  expect(await holder.open()).toBe('locked');
  await expect(lockFolder(folder)).rejects.toThrow(
    `cannot open ${folder}: process ${holder.pid} on host ${hostname()} is using it`,
  );
});

test('a killed process holds no lock, whatever process has its pid now', async () => {
  const folder = await createFolder();
  const holder = await startOpener(folder);
  expect(await holder.open()).toBe('locked');
  holder.process.kill('SIGKILL');
  await once(holder.process, 'exit');
  // A running process that does not belong to the test.
  await writeFile(join(folder, 'holder'), `process ${process.ppid} on host ${hostname()}`);
  const unlock = await lockFolder(folder);
  expect(await readFile(join(folder, 'holder'), 'utf8')).toContain(`process ${process.pid} `);
  await unlock();
});

test('a process opens a folder once at a time, and again after it has closed it', async () => {
  const folder = await createFolder();
  const unlock = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toThrow(`process ${process.pid} `);
  await unlock();
  await (await lockFolder(folder))();
});

test.skipIf(skipsWithout('namespaces', hasNamespaces, 'unshare cannot create a pid namespace'))(
  'two containers, each with pid 1, cannot both open a folder',
  async () => {
    const folder = await createFolder();
    const first = await startOpener(folder, inOwnNamespace);
    const second = await startOpener(folder, inOwnNamespace);
    expect([first.pid, second.pid]).toEqual(['1', '1']);
    expect(await first.open()).toBe('locked');
    expect(await second.open()).toContain('process 1 on host ');
    first.process.kill('SIGTERM');
  },
);

test('a folder without file locks stays closed, and the error names a way out', async () => {
  const folder = await createFolder();
  const refuse = () => {
    throw new Error('no locks available');
  };
  await expect(lockFolder(folder, refuse)).rejects.toThrow(
    `cannot lock ${folder}: no locks available; set data.embedded.folder to a folder on a local disk`,
  );
  await (await lockFolder(folder))();
});
