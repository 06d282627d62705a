import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

const taken = new Set();

/** The folder that contains all of these programs: the first of `folders`, else of PATH, else undefined. */
export function findFolderOf(programs, folders = []) {
  const path = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return [...folders, ...path].find((folder) => programs.every((name) => isProgram(join(folder, name))));
}

/** Debian has one folder for each major version and none of them on PATH; the newest is used. */
export function findPostgresFolder() {
  return findFolderOf(['initdb', 'postgres'], listVersions('/usr/lib/postgresql'));
}

/**
 * Debian's /usr/sbin/rabbitmq-server is a wrapper with fixed log files; the real scripts are in this folder.
 */
export function findRabbitmqFolder() {
  return findFolderOf(['rabbitmq-server', 'rabbitmqctl'], ['/usr/lib/rabbitmq/bin']);
}

/** The user that root should switch to, since initdb refuses root; undefined when no switch is needed. */
export function findUser(name) {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const ask = (flag) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: ask('-u'), gid: ask('-g') };
  } catch {
    return undefined;
  }
}

/**
 * Between 20000 and 29999, below every system's ephemeral range: a client that connects to the ephemeral port
 * of a stopped server can be assigned that same port, connect to itself, and keep the server from restarting.
 */
export async function findFreePort() {
  for (let tries = 0; tries < 200; tries++) {
    const port = 20000 + Math.floor(Math.random() * 10000);
    if (taken.has(port) || !(await isFreePort(port))) continue;
    taken.add(port);
    return port;
  }
  throw new Error('No free port between 20000 and 29999 in 200 tries: end the servers that occupy them.');
}

export function isFreePort(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function listVersions(folder) {
  try {
    const versions = readdirSync(folder).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(folder, version, 'bin'));
  } catch {
    return [];
  }
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
