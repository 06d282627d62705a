import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SeededBug, seededBugs } from './bugs.ts';
import { BugRuns } from './run-bugs.ts';

const titleOf = ({ promise, name }: SeededBug) => `${promise}: ${name}`;

describe('a suite that holds a promise turns red when the promise is broken', () => {
  let runs: BugRuns;
  // biome-ignore lint/correctness/noEmptyPattern: Vitest asks for a pattern in this place
  beforeAll(({}, { tasks }) => {
    // Only the bugs that this run selects: `vitest run test/seeded-bugs -t name`.
    const titles = new Set(tasks.filter(({ mode }) => mode === 'run').map(({ name }) => name));
    runs = new BugRuns(seededBugs.filter((bug) => titles.has(titleOf(bug))));
  });
  afterAll(() => runs.close());

  for (const bug of seededBugs) {
    test(titleOf(bug), { timeout: 300_000 }, async () => {
      const { failed, passed, setUpErrors } = await runs.get(bug.name);
      expect(setUpErrors, `${bug.suite} must start`).toEqual([]);
      expect(failed.length, `did not notice: ${bug.suite} ${passed.join(', ')}`).toBeGreaterThan(0);
      // Red for the right reason: not because the bug could not be inserted.
      expect(failed.map(({ message }) => message).join('\n')).not.toContain('seeded bug');
    });
  }
});

test('every promise that is kept today has a seeded bug', () => {
  const promises = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8'];
  const kept = [...promises, 'fair entry', 'keys', 'logs', 'figures', 'activity log'];
  expect([...new Set(seededBugs.map(({ promise }) => promise))].sort()).toEqual(kept.sort());
});
