import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { askRabbitmq } from '../../scripts/services/ask.mjs';
import { findFolderOf, findFreePort } from '../../scripts/services/find.mjs';
import type { Unpacked } from '../../scripts/services/newer.mjs';
import { prepareRabbitmq } from '../../scripts/services/prepare.mjs';
import { needNewer } from './newer.ts';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';
import { pollUntil } from './poll-until.ts';

const cookie = 'WEIRTESTCLUSTER';

export interface ClusterNode extends OwnServer {
  /** Such as `weir-20001@localhost`. */
  name: string;
  /** rabbitmqctl against this node, about a second a call. */
  ctl(...args: string[]): Promise<string>;
}

export interface OwnRabbitmqCluster extends AsyncDisposable {
  nodes: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** Of all nodes, as Weir is given it. */
  url: string;
  /** The node that leads this quorum queue, or holds this classic one, as `observer` sees it. */
  findLeader(queue: string, observer?: ClusterNode): Promise<ClusterNode>;
  /** Cuts the links between a node and the others, until the returned function is called. */
  isolate(node: ClusterNode): Promise<() => Promise<void>>;
  dispose(): Promise<void>;
}

export interface ClusterOptions {
  /** 4 is RabbitMQ 4.0; without it the installed one, 3.10 or newer. */
  version?: 4;
  /** After how many seconds a silent node counts as down; default a minute. */
  netTickSeconds?: number;
}

/** Three nodes of one cluster, with a name server of their own. User and password are guest. */
export async function startOwnRabbitmqCluster(options: ClusterOptions = {}): Promise<OwnRabbitmqCluster> {
  const unpacked = options.version === 4 ? needNewer('rabbitmq4') : undefined;
  const epmd = await startEpmd(unpacked);
  const started: OwnServer[] = [epmd];
  const dispose = async () => {
    await Promise.all(started.slice(1).map((server) => server.dispose()));
    await epmd.dispose();
  };
  try {
    const seed = await findFreePort();
    const start = async (port: number) => {
      const node = await startNode({ port, seed, epmdPort: epmd.port, unpacked }, options);
      started.push(node);
      return node;
    };
    // The first one alone, and the others know only it: nodes that wait for each other need half a minute on 4.0.
    const first = await start(seed);
    const others = [await findFreePort(), await findFreePort()];
    const nodes = [first, ...(await Promise.all(others.map(start)))] as [
      ClusterNode,
      ClusterNode,
      ClusterNode,
    ];
    await first.ctl('await_online_nodes', '3');
    const url = `amqp://guest:guest@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}/`;
    return { nodes, url, ...observe(nodes), dispose, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface NodePlace {
  port: number;
  /** Port of the node that the others join. */
  seed: number;
  epmdPort: number;
  unpacked: Unpacked | undefined;
}

async function startNode(
  { port, seed, epmdPort, unpacked }: NodePlace,
  { netTickSeconds }: ClusterOptions,
): Promise<ClusterNode> {
  const folder = createFolder('rabbitmq');
  const members = [...new Set([seed, port])].map((each, i) => [
    `cluster_formation.classic_config.nodes.${i + 1}`,
    `weir-${each}@localhost`,
  ]);
  const launch = await prepareRabbitmq({
    ...{ folder, port, epmdPort, cookie, distributionPort: await findFreePort() },
    ...(unpacked && { unpacked }),
    ...(netTickSeconds && { netTickSeconds }),
    config: {
      'cluster_formation.peer_discovery_backend': 'classic_config',
      ...Object.fromEntries(members),
      // As RabbitMQ advises for three nodes. Without it the two sides of a partition stay apart when it is over.
      cluster_partition_handling: 'pause_minority',
    },
  });
  const server = await startOwnServer({
    ...{ title: `RabbitMQ ${launch.node}`, folder, port, launch, ask: askRabbitmq },
    stopSignal: 'SIGTERM',
  });
  const ctl = async (...args: string[]) => {
    const { program, args: node } = launch.control;
    const { stdout } = await promisify(execFile)(program, [...node, '--quiet', ...args], {
      ...launch.options,
      timeout: 60_000,
    });
    return stdout.trim();
  };
  return { ...server, name: launch.node, ctl };
}

/** Erlang's name server: in the foreground it dies with the test. */
async function startEpmd(unpacked: Unpacked | undefined): Promise<OwnServer> {
  const programs = findFolderOf(['epmd'], unpacked ? [join(unpacked.root, 'usr/bin')] : []);
  if (!programs) throw new Error('epmd not found: put the bin folder of Erlang on PATH.');
  const folder = createFolder('epmd');
  const port = await findFreePort();
  const url = `epmd://127.0.0.1:${port}`;
  const args = ['-port', String(port), '-address', '127.0.0.1'];
  const launch = { url, program: join(programs, 'epmd'), args, options: { cwd: folder, env: process.env } };
  return startOwnServer({
    title: 'epmd',
    folder,
    port,
    launch,
    ask: () => knock(port),
    stopSignal: 'SIGTERM',
  });
}

function knock(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

function observe(nodes: readonly ClusterNode[]): Pick<OwnRabbitmqCluster, 'findLeader' | 'isolate'> {
  const [first] = nodes as [ClusterNode];
  const isolate = async (node: ClusterNode) => {
    const others = nodes.filter((each) => each !== node);
    // The next handshake fails: the two sides expect different cookies. Cut after the answer: a node that is
    // cut off pauses, and rabbitmqctl with it.
    const cookies = others.map(({ name }) => `erlang:set_cookie('${name}', cut)`);
    const cuts = others.map(({ name }) => `erlang:disconnect_node('${name}')`);
    await node.ctl(
      'eval',
      `${cookies.join(', ')}, spawn(fun() -> timer:sleep(200), ${cuts.join(', ')} end), ok.`,
    );
    return async () => {
      const join = others.map(({ name }) => `erlang:set_cookie('${name}', '${cookie}')`);
      await node.ctl('eval', `${join.join(', ')}.`);
    };
  };
  const findLeader = (queue: string, observer = first) =>
    pollUntil(`queue ${queue} to have a leader`, 30_000, async () => {
      const rows = await observer.ctl('list_queues', 'name', 'pid', '--no-table-headers');
      const pid = rows
        .split('\n')
        .map((row) => row.split('\t'))
        .find(([name]) => name === queue)?.[1];
      // <weir-20001@localhost.1.2.3>, or with the name of the queue's process in a quorum queue.
      const leader = nodes.find(({ name }) => pid?.includes(name));
      if (!leader) throw new Error(rows);
      return leader;
    });
  return { isolate, findLeader };
}
