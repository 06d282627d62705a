import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort, findPostgresFolder, findUser } from '../../scripts/services/find.mjs';
import { findPatroni, type PatroniPrograms } from '../../scripts/services/patroni.mjs';
import { prepareFolder } from '../../scripts/services/prepare.mjs';
import { mayMiss } from '../../scripts/services/unpack.mjs';
import { removeSharedMemory } from './own-postgres.ts';
import { startHaproxy } from './own-proxy.ts';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';
import { pollUntil } from './poll-until.ts';

/** Patroni with its PostgreSQL; stop(), kill() and pause() concern both. */
export interface PatroniNode extends OwnServer {
  name: string;
  /** Of Patroni's REST API. */
  api: string;
}

export interface PatroniCluster extends AsyncDisposable {
  /** Through HAProxy, without a database. */
  url: string;
  nodes: readonly [PatroniNode, PatroniNode];
  /** The node that Patroni calls the primary, once there is one among `candidates`. */
  findPrimary(candidates?: readonly PatroniNode[]): Promise<PatroniNode>;
  /** Resolves when the other node is the synchronous standby of the primary. */
  waitForStandby(): Promise<void>;
  /** A planned change of roles; resolves when the standby has become the primary. */
  switchOver(): Promise<void>;
}

/** For `test.skipIf`: true only when it is missing and WEIR_TEST_ALLOW_MISSING permits that. */
export function lacksPatroni(): boolean {
  return findPatroni() === undefined && mayMiss('patroni');
}

/** A primary and its synchronous standby, run by Patroni with etcd, behind HAProxy. */
export async function startPatroniCluster(): Promise<PatroniCluster> {
  const programs = findPatroni();
  if (!programs) throw new Error('cannot find Patroni: run `npm run services`, which unpacks it');
  const started: OwnServer[] = [];
  const dispose = async () => {
    await Promise.all(started.map((server) => server.dispose()));
  };
  try {
    const etcd = await startEtcd(programs);
    started.push(etcd);
    const start = async (name: string) => {
      const node = await startNode(name, programs, etcd.port);
      started.push(node);
      return node;
    };
    const nodes = (await Promise.all(['node1', 'node2'].map(start))) as [PatroniNode, PatroniNode];
    const [port, statusPort] = [await findFreePort(), await findFreePort()];
    started.push(await startHaproxy(configureHaproxy(nodes, port, statusPort), statusPort));
    const cluster = { nodes, ...observe(nodes) };
    await cluster.waitForStandby();
    return { url: `postgres://postgres@127.0.0.1:${port}`, ...cluster, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function startEtcd({ etcd }: PatroniPrograms): Promise<OwnServer> {
  const folder = createFolder('etcd');
  const [port, peerPort] = [await findFreePort(), await findFreePort()];
  const url = `http://127.0.0.1:${port}`;
  const peers = `http://127.0.0.1:${peerPort}`;
  const args = [
    ...['--data-dir', join(folder, 'data'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', url, '--advertise-client-urls', url],
    ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers],
    ...['--initial-cluster', `default=${peers}`],
  ];
  return startOwnServer({
    ...{ title: 'etcd', folder, port, stopSignal: 'SIGTERM' },
    launch: { url, program: etcd, args, options: { cwd: folder, env: process.env } },
    ask: (address) => getOk(`${address}/health`),
  });
}

async function startNode(name: string, programs: PatroniPrograms, etcdPort: number): Promise<PatroniNode> {
  const folder = createFolder('patroni');
  const [port, apiPort] = [await findFreePort(), await findFreePort()];
  const { root, python, patroni } = programs;
  const env = {
    ...process.env,
    LC_ALL: 'C',
    PYTHONHOME: join(root, 'usr'),
    PYTHONPATH: `${folder}:${join(root, 'usr/lib/python3/dist-packages')}`,
  };
  const options = prepareFolder(folder, 'postgres', env);
  const file = join(folder, 'patroni.yml');
  writeFileSync(file, JSON.stringify(configurePatroni({ name, folder, port, apiPort, etcdPort })));
  writeFileSync(join(folder, 'sitecustomize.py'), keepPostgresInTree);
  const server = await startOwnServer({
    ...{ title: `Patroni ${name}`, folder, port, stopSignal: 'SIGTERM' },
    launch: {
      url: `http://127.0.0.1:${apiPort}`,
      ...becomePostgres([python, patroni, file]),
      options: { cwd: folder, env: options.env },
    },
    ask: (address) => getOk(`${address}/liveness`),
    release: () => removeSharedMemory(join(folder, 'data')),
  });
  return { ...server, name, api: server.url };
}

/** PostgreSQL would be a child of process 1 and lead a session, and so outlive its Patroni in every test. */
const keepPostgresInTree = `import ctypes, os
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
os.setsid = lambda: None
`;

/** initdb refuses root, and the user postgres may not enter root's folder with the unpacked programs. */
function becomePostgres(command: readonly [string, ...string[]]): { program: string; args: string[] } {
  const [program, ...args] = command;
  if (!findUser('postgres')) return { program, args };
  const user = ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups'];
  const anyFile = ['--inh-caps', '+dac_override', '--ambient-caps', '+dac_override'];
  return { program: 'setpriv', args: [...user, ...anyFile, ...command] };
}

interface NodePlace {
  name: string;
  folder: string;
  port: number;
  apiPort: number;
  etcdPort: number;
}

/** JSON is YAML. */
function configurePatroni({ name, folder, port, apiPort, etcdPort }: NodePlace): unknown {
  const at = (itsPort: number) => `127.0.0.1:${itsPort}`;
  return {
    scope: 'weir',
    name,
    restapi: { listen: at(apiPort), connect_address: at(apiPort) },
    etcd3: { host: at(etcdPort) },
    bootstrap: {
      dcs: {
        ...{ ttl: 4, loop_wait: 1, retry_timeout: 3 },
        synchronous_mode: true,
        postgresql: { use_pg_rewind: true },
      },
      initdb: [{ auth: 'trust' }, { encoding: 'UTF8' }, { locale: 'C' }, 'no-sync', 'data-checksums'],
    },
    postgresql: {
      ...{ listen: at(port), connect_address: at(port) },
      data_dir: join(folder, 'data'),
      bin_dir: findPostgresFolder(),
      pgpass: join(folder, 'pgpass'),
      authentication: {
        superuser: { username: 'postgres' },
        replication: { username: 'postgres' },
      },
      pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
      basebackup: [{ checkpoint: 'fast' }, 'no-sync'],
      parameters: {
        unix_socket_directories: '',
        dynamic_shared_memory_type: 'mmap',
        fsync: 'off',
      },
    },
  };
}

/** As docs/deploy.md advises, with shorter intervals. The second port answers whether HAProxy runs. */
function configureHaproxy(nodes: readonly PatroniNode[], port: number, statusPort: number): string {
  const servers = nodes.map(
    (node) => `server ${node.name} 127.0.0.1:${node.port} check port ${new URL(node.api).port}`,
  );
  return `
defaults
  timeout connect 2s
  timeout client 30m
  timeout server 30m
frontend status
  mode http
  bind 127.0.0.1:${statusPort}
  http-request return status 200
listen postgres
  mode tcp
  bind 127.0.0.1:${port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
  ${servers.join('\n  ')}`;
}

function observe(nodes: readonly [PatroniNode, PatroniNode]) {
  const findPrimary = (candidates: readonly PatroniNode[] = nodes) =>
    pollUntil('Patroni to have a primary', 30_000, async () => {
      const answers = await Promise.all(candidates.map(({ api }) => isOk(`${api}/primary`)));
      const primary = candidates[answers.indexOf(true)];
      if (!primary) throw new Error('no node is one');
      return primary;
    });
  const waitForStandby = () =>
    pollUntil('Patroni to have a synchronous standby', 60_000, async () => {
      const answers = await Promise.all(nodes.map(({ api }) => isOk(`${api}/synchronous`)));
      if (!answers.includes(true)) throw new Error('no node is one');
    });
  const switchOver = async () => {
    const former = await findPrimary();
    const body = JSON.stringify({ leader: former.name });
    const answer = await fetch(`${former.api}/switchover`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`Patroni refuses the switchover: ${await answer.text()}`);
    await findPrimary(nodes.filter((node) => node !== former));
  };
  return { findPrimary, waitForStandby, switchOver };
}

async function getOk(url: string): Promise<void> {
  const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  if (!ok) throw new Error(`${url} answers ${status}`);
}

function isOk(url: string): Promise<boolean> {
  return getOk(url).then(
    () => true,
    () => false,
  );
}
