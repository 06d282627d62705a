import { Redis } from 'ioredis';
import { type OwnRedisOptions, startOwnRedis } from './own-redis.ts';
import type { OwnServer } from './own-server.ts';
import { pollUntil } from './poll-until.ts';

export interface OwnRedisCluster extends AsyncDisposable {
  /** As `data.redis.addr`. */
  url: string;
  primaries: OwnServer[];
  /** One for each primary, in the same order. */
  replicas: OwnServer[];
  /** The server that serves this key now. */
  findPrimary(key: string): Promise<OwnServer>;
  /** Moves the slot of the key with all its keys to another primary, key by key as redis-cli does. */
  moveSlot(key: string, to: OwnServer): Promise<void>;
}

const slots = 16_384;
/** A primary that is silent for so long is replaced. */
const nodeTimeoutMs = 1_500;

/** Three primaries with a replica each. */
export async function startOwnRedisCluster(options: OwnRedisOptions = {}): Promise<OwnRedisCluster> {
  const config = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': String(nodeTimeoutMs),
    'cluster-replica-validity-factor': '0',
    'repl-diskless-sync-delay': '0',
    ...options.config,
  };
  const servers = await Promise.all(
    Array.from({ length: 6 }, () => startOwnRedis({ ...options, appendonly: false, config })),
  );
  const [primaries, replicas] = [servers.slice(0, 3), servers.slice(3)];
  try {
    await connectAll(primaries, replicas);
  } catch (error) {
    await Promise.all(servers.map((server) => server.dispose()));
    throw error;
  }
  const ports = servers.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    url: `redis+cluster://${ports}`,
    primaries,
    replicas,
    findPrimary: (key) => findPrimary(servers, key),
    moveSlot: async (key, to) => moveSlot(await findPrimary(servers, key), to, key),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.dispose()));
    },
  };
}

async function connectAll(primaries: OwnServer[], replicas: OwnServer[]): Promise<void> {
  const [first] = primaries as [OwnServer];
  const share = Math.ceil(slots / primaries.length);
  for (const [i, { url }] of primaries.entries()) {
    const last = Math.min(slots, (i + 1) * share) - 1;
    await ask(url, ['CLUSTER', 'ADDSLOTSRANGE', i * share, last]);
  }
  for (const { url } of [...primaries.slice(1), ...replicas]) {
    await ask(url, ['CLUSTER', 'MEET', '127.0.0.1', first.port, await busPortOf(first)]);
  }
  for (const [i, replica] of replicas.entries()) {
    const id = await ask((primaries[i] as OwnServer).url, ['CLUSTER', 'MYID']);
    await pollUntil('the replica should know its primary', 20_000, () =>
      ask(replica.url, ['CLUSTER', 'REPLICATE', String(id)]),
    );
  }
  for (const { url } of [...primaries, ...replicas]) {
    await pollUntil('the cluster should be complete', 20_000, async () => {
      const info = String(await ask(url, ['CLUSTER', 'INFO']));
      const nodes = String(await ask(url, ['CLUSTER', 'NODES']));
      const known = (nodes.match(/ (slave|myself,slave) /g) ?? []).length;
      if (!/cluster_state:ok/.test(info) || known !== replicas.length) throw new Error(nodes);
    });
  }
  for (const { url } of replicas) {
    await pollUntil('the replica should have caught up', 20_000, async () => {
      const info = String(await ask(url, ['INFO', 'replication']));
      if (!/master_link_status:up/.test(info)) throw new Error(info);
    });
  }
}

async function busPortOf({ url }: OwnServer): Promise<number> {
  const [, port] = (await ask(url, ['CONFIG', 'GET', 'cluster-port'])) as string[];
  return Number(port);
}

async function findPrimary(servers: readonly OwnServer[], key: string): Promise<OwnServer> {
  return pollUntil('a node should say who serves the key', 10_000, async () => {
    for (const { url } of servers) {
      const ranges = await ask(url, ['CLUSTER', 'SLOTS']).catch(() => undefined);
      if (!ranges) continue;
      const slot = Number(await ask(url, ['CLUSTER', 'KEYSLOT', key]));
      const range = (ranges as [number, number, [string, number]][]).find(
        ([first, last]) => first <= slot && slot <= last,
      );
      const found = servers.find(({ port }) => port === range?.[2][1]);
      if (found) return found;
    }
    throw new Error('none does');
  });
}

async function moveSlot(from: OwnServer, to: OwnServer, key: string): Promise<void> {
  const slot = Number(await ask(from.url, ['CLUSTER', 'KEYSLOT', key]));
  const [fromId, toId] = await Promise.all(
    [from, to].map(({ url }) => ask(url, ['CLUSTER', 'MYID']).then(String)),
  );
  await ask(to.url, ['CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId as string]);
  await ask(from.url, ['CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId as string]);
  for (;;) {
    const keys = (await ask(from.url, ['CLUSTER', 'GETKEYSINSLOT', slot, 10])) as string[];
    if (keys.length === 0) break;
    await ask(from.url, ['MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys]);
  }
  for (const { url } of [to, from]) await ask(url, ['CLUSTER', 'SETSLOT', slot, 'NODE', toId as string]);
}

async function ask(url: string, [name = '', ...args]: (string | number)[]): Promise<unknown> {
  const redis = new Redis(url, { retryStrategy: () => null, connectTimeout: 2_000, commandTimeout: 5_000 });
  redis.on('error', () => {});
  try {
    return await redis.call(String(name), ...args.map(String));
  } finally {
    redis.disconnect();
  }
}
