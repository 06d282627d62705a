import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVitest, type Reporter, type TestModule, type Vitest } from 'vitest/node';
import { createDeferred, type Deferred } from '../../src/lib/deferred.ts';
import { seedBug } from '../support/seeded-bug.ts';
import type { SeededBug } from './bugs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BugRun {
  /** Titles of the tests that ran and passed. */
  passed: string[];
  failed: { title: string; message: string }[];
  /** Why the suite or its set-up could not run, if it could not. */
  setUpErrors: string[];
}

/**
 * Runs the suite of every bug with the bug inserted. One Vitest with a project for each bug: starting a
 * Vitest for each took 277 s of a whole run, this takes 161 s (74 bugs).
 */
export class BugRuns {
  readonly #runs = new Map<string, Deferred<BugRun>>();
  readonly #ended: Promise<void>;

  constructor(bugs: readonly SeededBug[]) {
    for (const { name } of bugs) {
      const run = createDeferred<BugRun>();
      run.promise.catch(() => {});
      this.#runs.set(name, run);
    }
    this.#ended = this.#runAll(bugs);
  }

  /** Settles when the suite of this bug has ended. */
  get(name: string): Promise<BugRun> {
    return this.#runs.get(name)?.promise ?? Promise.reject(new Error(`there is no seeded bug ${name}`));
  }

  /** Settles when all suites and their workers have ended. */
  close(): Promise<void> {
    return this.#ended;
  }

  async #runAll(bugs: readonly SeededBug[]): Promise<void> {
    try {
      const vitest = await openVitest(bugs, {
        onTestModuleEnd: (module) => this.#runs.get(module.project.name)?.resolve(readRun(module)),
      });
      try {
        await vitest.runTestSpecifications(specify(vitest, bugs));
      } finally {
        await vitest.close();
      }
      throw new Error('the suite did not run');
    } catch (error) {
      // Ignored by the runs that have ended.
      for (const run of this.#runs.values()) run.reject(error);
    }
  }
}

function openVitest(bugs: readonly SeededBug[], reporter: Reporter): Promise<Vitest> {
  return createVitest(
    'test',
    { root, config: false, watch: false, maxWorkers: 3, reporters: [reporter] },
    { test: { projects: bugs.map(toProject) } },
  );
}

function toProject(bug: SeededBug) {
  return {
    root,
    plugins: [seedBug(bug)],
    test: {
      ...{ name: bug.name, root, include: [bug.suite], pool: 'forks' as const },
      // A red test often waits for something that never happens: this is several times the time of a green
      // one.
      ...{ testTimeout: bug.suite.startsWith('test/unit/') ? 5_000 : 15_000, hookTimeout: 60_000 },
      env: { WEIR_SEEDED_BUG: bug.name },
    },
  };
}

function specify(vitest: Vitest, bugs: readonly SeededBug[]) {
  return bugs.map(({ name, suite, rule }) => {
    const project = vitest.projects.find((candidate) => candidate.name === name);
    if (!project) throw new Error(`Vitest has no project ${name}`);
    return project.createSpecification(join(root, suite), {
      testNamePattern: new RegExp(escapeRegExp(rule)),
    });
  });
}

function readRun(module: TestModule): BugRun {
  const suites = [...module.children.allSuites()];
  const run: BugRun = {
    passed: [],
    failed: [],
    setUpErrors: [...module.errors(), ...suites.flatMap((suite) => suite.errors())].map(
      ({ message }) => message,
    ),
  };
  for (const test of module.children.allTests()) {
    const { state, errors } = test.result();
    if (state === 'passed') run.passed.push(test.fullName);
    if (state === 'failed') {
      run.failed.push({
        title: test.fullName,
        message: (errors ?? []).map(({ message }) => message).join('\n'),
      });
    }
  }
  return run;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
