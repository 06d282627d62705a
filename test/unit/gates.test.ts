import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TestModule, Vitest } from 'vitest/node';
import { skipsWithout } from '../support/gates.ts';
import { ListSkipped } from '../support/list-skipped.ts';

afterEach(() => vi.unstubAllEnvs());

const skips = (isPresent: boolean) => skipsWithout('promtool', isPresent, 'promtool is missing');

describe('a gate', () => {
  test.each([
    ['', ''],
    ['required', ''],
  ])('a gate that is present never skips its tests (WEIR_TEST_GATES=%s)', (gates, allowed) => {
    vi.stubEnv('WEIR_TEST_GATES', gates);
    vi.stubEnv('WEIR_TEST_ALLOW_MISSING', allowed);
    expect(skips(true)).toBe(false);
  });

  test("a missing gate skips its tests in a developer's run", () => {
    vi.stubEnv('WEIR_TEST_GATES', '');
    expect(skips(false)).toBe(true);
  });

  test('a missing gate fails a run that requires every gate', () => {
    vi.stubEnv('WEIR_TEST_GATES', 'required');
    vi.stubEnv('WEIR_TEST_ALLOW_MISSING', 'browser');
    expect(() => skips(false)).toThrow(
      'promtool is missing (set WEIR_TEST_ALLOW_MISSING=promtool to skip the tests that need it)',
    );
  });

  test('a gate that WEIR_TEST_ALLOW_MISSING names may be missing in any run', () => {
    vi.stubEnv('WEIR_TEST_GATES', 'required');
    vi.stubEnv('WEIR_TEST_ALLOW_MISSING', 'browser, promtool');
    expect(skips(false)).toBe(true);
  });

  test('.ci/run requires every gate and allows only pid namespaces to be missing', () => {
    const script = readFileSync(fileURLToPath(new URL('../../.ci/run', import.meta.url)), 'utf8');
    expect(script).toContain('WEIR_TEST_GATES=required npm test');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell expands it
    expect(script).toContain('WEIR_TEST_ALLOW_MISSING="${WEIR_TEST_ALLOW_MISSING:-namespaces}"');
  });

  test('no test is skipped except through a gate', () => {
    const root = fileURLToPath(new URL('../', import.meta.url));
    const skipping = /\.(?:skipIf|runIf|skip|todo|only)\(/;
    const allowed =
      /skipIf\((?:lacks|lacksPatroni|lacksProxy|lacksPgbouncer|skipsWithout|!hasBrowser)\(|skipIf\(missing\)|context\.skip\((?:missing|remedy)\)/;
    const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('gates.test.ts'))
      .flatMap((file) =>
        readFileSync(join(root, file), 'utf8')
          .split('\n')
          .filter((line) => skipping.test(line) && !allowed.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(found).toEqual([]);
  });
});

describe('the list of skipped tests', () => {
  const skipped = (fullName: string, note?: string) => ({
    fullName,
    result: () => ({ state: 'skipped', errors: undefined, note }),
  });
  const moduleOf = (...tests: unknown[]) =>
    ({ relativeModuleId: 'test/a.test.ts', children: { allTests: () => tests } }) as unknown as TestModule;
  const report = (modules: TestModule[], testNamePattern?: RegExp) => {
    const lines: string[] = [];
    const reporter = new ListSkipped((line) => lines.push(line));
    reporter.onInit({ config: { testNamePattern } } as unknown as Vitest);
    reporter.onTestRunEnd(modules);
    return lines;
  };

  test('a run lists each skipped test with its file and reason', () => {
    expect(report([moduleOf(skipped('one > rule', 'curl is missing'), skipped('another rule'))])).toEqual([
      'Skipped 2 tests:',
      '- test/a.test.ts: one > rule (curl is missing)',
      '- test/a.test.ts: another rule',
    ]);
  });

  test('a run that skips no test prints no list', () => {
    expect(report([moduleOf()])).toEqual([]);
  });

  test('a run filtered by title lists no test that the filter leaves out', () => {
    expect(report([moduleOf(skipped('one rule'))], /other/)).toEqual([]);
  });
});
