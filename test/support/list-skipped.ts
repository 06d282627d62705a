import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/** Prints at the end of a run which tests were skipped, with the reason if the test gives one. */
export class ListSkipped implements Reporter {
  readonly #print: (line: string) => void;
  #isFiltered = false;

  constructor(print: (line: string) => void = console.log) {
    this.#print = print;
  }

  onInit({ config }: Pick<Vitest, 'config'>): void {
    // Vitest counts tests excluded by `-t` as skipped.
    this.#isFiltered = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly Pick<TestModule, 'relativeModuleId' | 'children'>[]): void {
    if (this.#isFiltered) return;
    const lines = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => describeSkipped(module.relativeModuleId, test)),
    );
    if (lines.length === 0) return;
    this.#print(`Skipped ${lines.length} ${lines.length === 1 ? 'test' : 'tests'}:`);
    for (const line of lines) this.#print(`- ${line}`);
  }
}

function describeSkipped(file: string, test: Pick<TestCase, 'fullName' | 'result'>): string {
  const { state, ...result } = test.result();
  const reason = state === 'skipped' && 'note' in result ? result.note : undefined;
  return `${file}: ${test.fullName}${reason ? ` (${reason})` : ''}`;
}
