import type { AuditException, PlainSum } from './audit.ts';
import type { StreamFigure } from './audit-figures.ts';

/** Compares the entries added to the streams with what they became. */
export function sumEntries(streams: readonly StreamFigure[]): PlainSum {
  const counted = streams.flatMap((figure) =>
    figure.added === undefined ? [] : [{ ...figure, added: figure.added }],
  );
  const found = ({ rows, parked, waiting }: StreamFigure) => rows + parked + waiting;
  const exceptions: AuditException[] = [];
  for (const figure of counted) {
    const difference = found(figure) - figure.added;
    if (difference !== 0) {
      exceptions.push({
        id: figure.stream,
        code: difference < 0 ? 'ENTRIES_MISSING' : 'ENTRIES_SURPLUS',
        params: {
          added: String(figure.added),
          rows: String(figure.rows),
          parked: String(figure.parked),
          waiting: String(figure.waiting),
        },
      });
    }
    if (figure.restarted) {
      const { lost } = figure.restarted;
      const at = figure.restarted.at.toISOString();
      exceptions.push(
        lost === 0
          ? { id: figure.stream, code: 'STREAM_RESTARTED', params: { at } }
          : { id: figure.stream, code: 'STREAM_RESTARTED_WITH_LOSS', params: { at, lost: String(lost) } },
      );
    }
  }
  const uncounted = streams.length - counted.length;
  return {
    name: 'entries',
    expected: counted.reduce((sum, { added }) => sum + added, 0),
    actual: counted.reduce((sum, figure) => sum + found(figure), 0),
    exceptions,
    ...(uncounted > 0
      ? { note: { code: 'STREAMS_NOT_COUNTED', params: { streams: String(uncounted) } } }
      : {}),
  };
}
