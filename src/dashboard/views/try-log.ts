import { type Signal, signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

const keptLines = 20;

export interface TryLine {
  what: string;
  outcome: Signal<ComponentChildren>;
}

/** Changes what became of a line. */
export type Tell = (outcome: ComponentChildren) => void;

/** What was tried and what became of it, the newest first. */
export class TryLog {
  readonly lines: Signal<readonly TryLine[]> = signal([]);

  begin(what: string): Tell {
    const outcome: Signal<ComponentChildren> = signal(undefined);
    this.lines.value = [{ what, outcome }, ...this.lines.value].slice(0, keptLines);
    return (next) => {
      outcome.value = next;
    };
  }
}
