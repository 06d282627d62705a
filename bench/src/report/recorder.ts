import type { Line, Sample, Unit } from './line.ts';

/** Filled while a part is measured: figures from before a failure are kept. */
export class Recorder {
  readonly lines: Line[] = [];
  readonly failures: Record<string, string> = {};
  readonly versions: Record<string, string> = {};

  add(name: string, unit: Unit, sample: Sample, note?: string): void {
    const index = this.lines.findIndex((line) => line.name === name);
    const line = this.lines[index] ?? { name, unit, samples: [], ...(note !== undefined && { note }) };
    const longer = { ...line, samples: [...line.samples, sample] };
    if (index === -1) this.lines.push(longer);
    else this.lines[index] = longer;
  }

  fail(name: string, error: unknown): void {
    this.failures[name] = error instanceof Error ? error.message : String(error);
  }
}
