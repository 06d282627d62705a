import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createRedisDatabase } from '../support/stores.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const stores = {
  WEIR_BENCH_POSTGRES: process.env.WEIR_TEST_POSTGRES,
  WEIR_BENCH_RABBITMQ: process.env.WEIR_TEST_RABBITMQ,
};
const folder = mkdtempSync(join(tmpdir(), 'weir-bench-test-'));

test('the bench builds, and measures its limits and Redis Cluster without a failure', async (context) => {
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const json = join(folder, 'result.json');
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json'], {
    cwd: root,
  });
  const bench = join(root, 'bench/dist/bench/src/main.js');
  const args = ['--quick', '--only', 'limits,cluster', '--count', '1000', '--json', json];
  const env = { ...process.env, ...stores, WEIR_BENCH_REDIS: await createRedisDatabase() };
  await run(process.execPath, [bench, ...args], { cwd: root, env });
  const { parts } = JSON.parse(readFileSync(json, 'utf8'));
  expect(parts.limits.failures).toEqual({});
  expect(parts.limits.lines).toHaveLength(7);
  expect(parts.cluster.failures).toEqual({});
  expect(parts.cluster.lines).toHaveLength(4);
}, 180_000);
