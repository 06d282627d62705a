// Measures the cost of an operator key on the hot route: POST /v1/sales/{productId}/buy of two Weirs side by
// side, one without any key and one with a stored key, in turns.
// Run on a quiet machine after `npm run build`: node scripts/measure-keys.mjs [requests in a round] [rounds]
// It uses two numbered Redis databases, from WEIR_TEST_FIRST_REDIS_DATABASE on, and empties them.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { KeyRing } from '../dist/modules/ops/access/key-ring.js';
import { createOperatorKey, digestOf } from '../dist/modules/ops/access/operator-key.js';

const [requests = 4_000, rounds = 10] = process.argv.slice(2).map(Number);
const postgres = process.env.WEIR_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const redis = (process.env.WEIR_TEST_REDIS ?? 'redis://127.0.0.1:6379').replace(/\/\d*$/, '');
const firstRedis = Number(process.env.WEIR_TEST_FIRST_REDIS_DATABASE ?? 14);
const connections = 32;
const product = { id: '1001', name: 'x', cpus: 1, memoryMb: 1, image: 'x' };

const weirs = [];
try {
  weirs.push(await start(0), await start(1));
  const [without, withKey] = weirs;
  const { key } = await ask(withKey, 'POST', '/v1/keys', { name: 'shop', scope: 'act' });
  withKey.headers.authorization = `Bearer ${key}`;
  for (const weir of weirs) await buyAll(weir, requests);
  for (let round = 0; round < rounds; round++) {
    // The second of a pair finds a warmer machine, so they take turns.
    for (const weir of round % 2 ? [withKey, without] : [without, withKey])
      weir.rounds.push(await buyAll(weir, requests));
  }
  const [a, b] = [median(without.rounds), median(withKey.rounds)];
  process.stdout.write(
    `${rounds} rounds of ${requests} buys over ${connections} connections, median of CPU and wall time of the server a request\n` +
      `without a key ${a.cpuUs.toFixed(1)} µs CPU, ${a.wallUs.toFixed(1)} µs\n` +
      `with a key    ${b.cpuUs.toFixed(1)} µs CPU, ${b.wallUs.toFixed(1)} µs\n` +
      `the difference, median of the rounds ${medianDifference(without.rounds, withKey.rounds).toFixed(1)} µs CPU\n` +
      `the table of keys was read ${await countReads(withKey)} times in ${withKey.user} requests\n` +
      `the key ring alone takes ${(await measureRing()).toFixed(2)} µs of CPU a request\n`,
  );
} finally {
  for (const weir of weirs) await weir.stop();
}

async function start(number) {
  const name = `weir_measure_${randomBytes(4).toString('hex')}`;
  const database = Object.assign(new URL(postgres), { pathname: name }).href;
  const child = spawn(process.execPath, ['dist/main.js', 'start', '--roles', 'http'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      WEIR_LOG_FORMAT: 'json',
      WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
      WEIR_SERVER_HTTP_DRAINMS: '0',
      WEIR_DATA_DATABASE_SOURCE: database,
      WEIR_DATA_REDIS_ADDR: `${redis}/${firstRedis + number}`,
    },
  });
  const url = await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('Weir ended')));
    child.stderr.on('data', (chunk) => {
      const found = /"addr":"(http[^"]+)"/.exec(chunk);
      if (found) resolve(found[1]);
    });
  });
  const weir = {
    url,
    child,
    headers: {},
    agent: new http.Agent({ keepAlive: true, maxSockets: connections }),
    rounds: [],
    user: 0,
    base: Date.now() * 1_000,
  };
  weir.database = new pg.Client(database);
  await weir.database.connect();
  weir.stop = async () => {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    await weir.database.end();
    const admin = new pg.Client(postgres);
    await admin.connect();
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
    const streams = new Redis(`${redis}/${firstRedis + number}`);
    await streams.flushdb();
    streams.disconnect();
  };
  await ask(weir, 'POST', '/v1/products', product);
  await ask(weir, 'PATCH', '/v1/sales/1001', { action: 'end' });
  await ask(weir, 'POST', '/v1/sales', { productId: '1001', stock: 2_000_000 });
  return weir;
}

async function buyAll(weir, count) {
  const cpuSeconds = await readCpuSeconds(weir);
  const startedMs = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) {
        const { streamId, code } = await ask(weir, 'POST', '/v1/sales/1001/buy', {
          userId: `${weir.base + ++weir.user}`,
        });
        if (!streamId) throw new Error(`a buy answered ${code}`);
      }
    }),
  );
  const wallMs = performance.now() - startedMs;
  return {
    wallUs: (wallMs * 1_000) / count,
    cpuUs: (((await readCpuSeconds(weir)) - cpuSeconds) * 1e6) / count,
  };
}

/** The server's own CPU time. */
async function readCpuSeconds(weir) {
  const metrics = await (await fetch(`${weir.url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(metrics)?.[1]);
}

async function countReads({ database }) {
  await delay(11_000); // PostgreSQL counts what a session did up to ten seconds later
  const { rows } = await database.query(
    "SELECT seq_scan + coalesce(idx_scan, 0) AS looks FROM pg_stat_user_tables WHERE relname = 'operator_keys'",
  );
  return rows[0]?.looks;
}

/** The same work without HTTP, with a hundred keys. */
async function measureRing() {
  const made = Array.from({ length: 100 }, () => createOperatorKey('act'));
  const keys = made.map((key, i) => ({
    id: `${i}`,
    name: `key-${i}`,
    scope: 'act',
    digest: digestOf(key),
    hasExpired: false,
    isUseStale: false,
  }));
  const ring = new KeyRing({
    readCredentials: async () => ({ keys, sessions: [] }),
    markUsed: async () => {},
    configuredKeys: [],
    clock: { wallMs: Date.now, monotonicMs: () => performance.now() },
    onFailure() {},
  });
  const count = 200_000;
  let before = process.cpuUsage();
  for (let i = -20_000; i < count; i++) {
    if (i === 0) before = process.cpuUsage();
    await ring.isOpen();
    await ring.findKey(made[Math.abs(i) % made.length]);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

function ask({ url, agent, headers }, method, path, body) {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = http.request(
      `${url}${path}`,
      {
        method,
        agent,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        },
      },
      (response) => {
        let answer = '';
        response.on('data', (chunk) => {
          answer += chunk;
        });
        response.on('end', () => resolve(JSON.parse(answer)));
      },
    );
    request.on('error', reject);
    request.end(text);
  });
}

/** Differences within each round, so that other load on the machine affects both. */
function medianDifference(without, withKey) {
  return median(withKey.map(({ cpuUs }, i) => ({ cpuUs: cpuUs - without[i].cpuUs, wallUs: 0 }))).cpuUs;
}

function median(all) {
  const middle = (pick) => all.map(pick).sort((a, b) => a - b)[all.length >> 1];
  return { cpuUs: middle(({ cpuUs }) => cpuUs), wallUs: middle(({ wallUs }) => wallUs) };
}
