import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type SeededBug, seededBugs } from './bugs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Report {
  numFailedTests: number;
  numPassedTests: number;
  testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[];
}

/** The bug's suite in a run of its own. @returns undefined when it did not get as far as a report */
async function runSuite({ suite, law, name }: SeededBug, folder: string): Promise<Report | undefined> {
  const file = join(folder, 'report.json');
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    suite,
    '-t',
    law,
    '--reporter=json',
    `--outputFile=${file}`,
    '--testTimeout=25000',
  ];
  // Runs that overlap have a Redis database each.
  const redis = 8 + (seededBugs.findIndex((bug) => bug.name === name) % 6);
  const env = { ...process.env, WEIR_SEEDED_BUG: name, WEIR_TEST_FIRST_REDIS_DATABASE: `${redis}` };
  for (const variable of ['VITEST', 'VITEST_POOL_ID', 'VITEST_WORKER_ID'])
    delete env[variable as keyof typeof env];
  await new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: root, env, maxBuffer: 2 ** 26 }, resolve),
  );
  return readFile(file, 'utf8').then(JSON.parse, () => undefined);
}

// Two at a time: most of a red suite is waiting for what never comes.
describe.concurrent('a suite that holds a promise turns red when the promise is broken', () => {
  for (const bug of seededBugs) {
    test(`${bug.promise}: ${bug.name}`, async ({ expect, onTestFinished }) => {
      const folder = await mkdtemp(join(tmpdir(), 'weir-seeded-report-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      const report = await runSuite(bug, folder);
      const failed = report?.testResults.flatMap(({ assertionResults }) =>
        assertionResults.filter(({ status }) => status === 'failed'),
      );
      expect(failed?.length ?? 0, `${bug.suite} did not notice`).toBeGreaterThan(0);
      // Red for the right reason: not because the bug could not be put in.
      expect(failed?.flatMap(({ failureMessages }) => failureMessages).join('\n')).not.toContain(
        'seeded bug',
      );
    });
  }
});

test('every promise that is kept today has a seeded bug', () => {
  const kept = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'fair entry', 'keys', 'logs', 'figures'];
  expect([...new Set(seededBugs.map(({ promise }) => promise))].sort()).toEqual(kept.sort());
});
