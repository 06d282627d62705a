import { type Attempt, type Operation, outcomeOf, type Way, ways } from './operation.ts';

export interface WayFigures {
  sent: number;
  ok: number;
  refused: number;
  /** Without an answer at the end. */
  unknown: number;
  /** Attempts after the first. */
  repeats: number;
  /** Attempts whose answer was lost. */
  lostAnswers: number;
}

/** Every operation in the order of sending. */
export class History {
  readonly operations: Operation[] = [];

  begin(operation: Operation): void {
    this.operations.push(operation);
  }

  record(operation: Operation, attempt: Attempt): void {
    operation.attempts.push(attempt);
  }

  count(): Record<Way, WayFigures> {
    const figures = ways.map((way) => [way, countWay(this.operations.filter((each) => each.way === way))]);
    return Object.fromEntries(figures);
  }
}

function countWay(operations: readonly Operation[]): WayFigures {
  const figures = { sent: operations.length, ok: 0, refused: 0, unknown: 0, repeats: 0, lostAnswers: 0 };
  for (const operation of operations) {
    figures[outcomeOf(operation)]++;
    figures.repeats += Math.max(0, operation.attempts.length - 1);
    figures.lostAnswers += operation.attempts.filter(({ answer }) => answer.outcome === 'unknown').length;
  }
  return figures;
}
