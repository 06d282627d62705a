import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { findFolderOf, findPostgresFolder, findRabbitmqFolder, findUser } from './find.mjs';

const run = promisify(execFile);

/**
 * Initializes an empty folder with a cluster that trusts every user on 127.0.0.1, and returns what to spawn
 * for it.
 */
export async function preparePostgres({ folder, port, settings = {} }) {
  const programs = findPostgresPrograms();
  const options = prepareFolder(folder, 'postgres', { ...process.env, LC_ALL: 'C' });
  const cluster = ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync'];
  await run(join(programs, 'initdb'), ['-D', join(folder, 'data'), ...cluster], options);
  return launchPostgres({ programs, folder, port, settings, options });
}

/** The same with a copy of a running cluster, which it follows as a standby. */
export async function preparePostgresStandby({ folder, port, primaryPort, settings = {} }) {
  const programs = findPostgresPrograms();
  const options = prepareFolder(folder, 'postgres', { ...process.env, LC_ALL: 'C' });
  const source = ['-h', '127.0.0.1', '-p', String(primaryPort), '-U', 'postgres'];
  const copy = ['--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync'];
  await run(join(programs, 'pg_basebackup'), ['-D', join(folder, 'data'), ...source, ...copy], options);
  return launchPostgres({ programs, folder, port, settings, options });
}

function findPostgresPrograms() {
  const programs = findPostgresFolder();
  if (!programs) throw missing('initdb and postgres', 'postgresql');
  return programs;
}

function launchPostgres({ programs, folder, port, settings, options }) {
  const every = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // a long folder name would exceed a socket's 107 bytes
    dynamic_shared_memory_type: 'mmap', // inside the folder: /dev/shm would keep it after a SIGKILL
    ...settings,
  };
  const args = Object.entries(every).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return { url, program: join(programs, 'postgres'), args: ['-D', join(folder, 'data'), ...args], options };
}

/** `program` replaces the installed redis-server. */
export async function prepareRedis({ folder, port, program, config = {} }) {
  const server = program ?? join(findFolderOf(['redis-server']) ?? '', 'redis-server');
  if (server === 'redis-server') throw missing('redis-server', 'redis-server');
  const options = prepareFolder(folder, undefined, process.env);
  const every = { port, bind: '127.0.0.1', dir: folder, save: '""', daemonize: 'no', ...config };
  const file = join(folder, 'redis.conf');
  writeFileSync(file, formatLines(every, ' '));
  return { url: `redis://127.0.0.1:${port}`, program: server, args: [file], options };
}

/**
 * Independent of the distribution's node: cookie, plugins, data, logs and ports are its own. `unpacked` is a
 * server in a folder of its own with its Erlang (newer.mjs); it runs as this user. Nodes of one cluster share
 * a `cookie`; a node that is silent for `netTickSeconds`, by default 60, counts as down.
 */
export async function prepareRabbitmq({
  folder,
  port,
  distributionPort,
  epmdPort = 4369,
  cookie,
  netTickSeconds,
  unpacked,
  plugins = [],
  config = {},
}) {
  const programs = unpacked?.folder ?? findRabbitmqFolder();
  if (!programs) throw missing('rabbitmq-server', 'rabbitmq-server');
  const node = `weir-${port}@localhost`;
  const env = {
    PATH: unpacked ? `${join(unpacked.root, 'usr/bin')}${delimiter}${process.env.PATH}` : process.env.PATH,
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: node,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {127,0,0,1}${
      netTickSeconds ? ` -kernel net_ticktime ${netTickSeconds}` : ''
    }`,
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'config'),
  };
  const options = prepareFolder(folder, unpacked ? undefined : 'rabbitmq', env);
  const every = { 'listeners.tcp.local': `127.0.0.1:${port}`, ...config };
  writeFileSync(env.RABBITMQ_CONFIG_FILE, formatLines(every, ' = '));
  writeFileSync(env.RABBITMQ_CONF_ENV_FILE, '');
  if (cookie) writeCookie(join(folder, '.erlang.cookie'), cookie, options);
  writeFileSync(env.RABBITMQ_ENABLED_PLUGINS_FILE, `[${plugins.join(',')}].\n`);
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const control = { program: join(programs, 'rabbitmqctl'), args: ['--node', node] };
  return { url, node, program: join(programs, 'rabbitmq-server'), args: [], options, control };
}

/** Erlang refuses one that others can read. */
function writeCookie(file, cookie, { uid, gid }) {
  writeFileSync(file, cookie, { mode: 0o400 });
  if (uid !== undefined) chownSync(file, uid, gid);
}

/** The working folder is set because root's own may be inaccessible to the other user. */
export function prepareFolder(folder, userName, env) {
  mkdirSync(folder, { recursive: true });
  const user = userName && findUser(userName);
  if (user) chownSync(folder, user.uid, user.gid);
  return { cwd: folder, env, ...user };
}

function formatLines(entries, separator) {
  return Object.entries(entries)
    .map(([name, value]) => `${name}${separator}${value}\n`)
    .join('');
}

function missing(programs, packageName) {
  return new Error(`${programs} not found: install the package ${packageName} or put its folder on PATH.`);
}
