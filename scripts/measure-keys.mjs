// What an operator key costs on the hot route: POST /v1/sales/{productId}/buy of two Weirs side by side, one without any
// key and one with a stored key, in turns. Run on a quiet machine after `npm run build`:
//   node scripts/measure-keys.mjs [requests in a round] [rounds]
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

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
    // Whoever goes second finds a warmer machine: take turns.
    for (const weir of round % 2 ? [withKey, without] : [without, withKey])
      weir.rounds.push(await buyAll(weir, requests));
  }
  const [a, b] = [median(without.rounds), median(withKey.rounds)];
  process.stdout.write(
    `${rounds} rounds of ${requests} buys over ${connections} connections, median of CPU and wall time of the server a request\n` +
      `without a key ${a.cpuUs.toFixed(1)} µs CPU, ${a.wallUs.toFixed(1)} µs\n` +
      `with a key    ${b.cpuUs.toFixed(1)} µs CPU, ${b.wallUs.toFixed(1)} µs\n` +
      `queries about keys: ${withKey.looks} in ${withKey.sent} requests\n`,
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
    sent: 0,
    looks: 0,
  };
  weir.pool = new pg.Client(database);
  await weir.pool.connect();
  weir.stop = async () => {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    await weir.pool.end();
    const admin = new pg.Client(postgres);
    await admin.connect();
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  };
  await ask(weir, 'POST', '/v1/products', product);
  await ask(weir, 'PATCH', '/v1/sales/1001', { action: 'end' });
  await ask(weir, 'POST', '/v1/sales', { productId: '1001', stock: 2_000_000 });
  return weir;
}

async function buyAll(weir, count) {
  const before = { ...(await readUse(weir)), atMs: performance.now() };
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
  const wallMs = performance.now() - before.atMs;
  const after = await readUse(weir);
  if (weir.headers.authorization) {
    weir.sent += count;
    weir.looks += after.looks - before.looks;
  }
  return { wallUs: (wallMs * 1_000) / count, cpuUs: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / count };
}

/** The server's own CPU time, and how often it has read the table of keys. */
async function readUse(weir) {
  weir.base ??= Date.now() * 1_000;
  const metrics = await (await fetch(`${weir.url}/metrics`)).text();
  await delay(1_100); // the counters of PostgreSQL come late
  const { rows } = await weir.pool.query(
    "SELECT seq_scan::int AS looks FROM pg_stat_user_tables WHERE relname = 'operator_keys'",
  );
  return {
    cpuSeconds: Number(/^process_cpu_seconds_total (\S+)/m.exec(metrics)?.[1]),
    looks: rows[0]?.looks ?? 0,
  };
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

function median(all) {
  const middle = (pick) => all.map(pick).sort((a, b) => a - b)[all.length >> 1];
  return { cpuUs: middle(({ cpuUs }) => cpuUs), wallUs: middle(({ wallUs }) => wallUs) };
}
