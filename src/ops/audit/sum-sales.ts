import type { AuditException, PlainSum } from './audit.ts';
import type { RestockedCount, SaleFigure, UnitFigure } from './audit-figures.ts';

/** Compares the units sold according to the store with what they became. */
export function sumUnits(units: readonly UnitFigure[]): PlainSum {
  return {
    name: 'units',
    expected: units.reduce((sum, { sold }) => sum + sold, 0),
    actual: units.reduce((sum, figure) => sum + countFound(figure), 0),
    exceptions: units.flatMap(describe),
  };
}

/** Waiting entries may be another seller's, so they explain at most the missing units. */
function countFound({ sold, instances, parked, waiting }: UnitFigure): number {
  return Math.min(sold, instances + parked + waiting);
}

function describe(figure: UnitFigure): AuditException[] {
  const { stream: id, sold, instances, parked, waiting, lost, lostAt, tooMany } = figure;
  const exceptions: AuditException[] = tooMany.map((finding) => ({ id, ...finding }));
  if (countFound(figure) < sold) {
    exceptions.push({
      id,
      code: 'UNITS_MISSING',
      params: {
        ...{ sold: String(sold), instances: String(instances) },
        ...{ parked: String(parked), waiting: String(waiting) },
      },
    });
  }
  if (lost > 0) {
    exceptions.push({
      id,
      code: 'UNITS_LOST',
      params: { lost: String(lost), at: lostAt?.toISOString() ?? '?' },
    });
  }
  return exceptions;
}

export function sumStock(sales: readonly SaleFigure[]): PlainSum {
  const found = ({ sold, remaining, restocked }: SaleFigure) => sold + remaining + restocked;
  return {
    name: 'stock',
    expected: sales.reduce((sum, { stock }) => sum + stock, 0),
    actual: sales.reduce((sum, sale) => sum + found(sale), 0),
    exceptions: sales
      .filter((sale) => found(sale) !== sale.stock)
      .map((sale) => ({
        id: sale.stream,
        code: 'STOCK_DIFFERS',
        params: {
          ...{ stock: String(sale.stock), sold: String(sale.sold) },
          ...{ remaining: String(sale.remaining), restocked: String(sale.restocked) },
        },
      })),
  };
}

/**
 * Detects units that Redis restocked and lost in a crash, which would never be sold. Compensations completed
 * between the two readings are in progress, so a difference exists only below the count before or above the
 * total owed.
 */
export function sumReturned(sales: readonly SaleFigure[], restocked: readonly RestockedCount[]): PlainSum {
  const counts = new Map(restocked.map((count) => [count.stream, count]));
  let expected = 0;
  let actual = 0;
  const exceptions: AuditException[] = [];
  for (const { stream, returned } of sales) {
    const { doneBefore, owed } = counts.get(stream) ?? { doneBefore: 0, owed: 0 };
    const difference = Math.min(0, returned - doneBefore) + Math.max(0, returned - owed);
    expected += doneBefore;
    actual += doneBefore + difference;
    if (difference === 0) continue;
    exceptions.push({
      id: stream,
      code: difference < 0 ? 'RESTOCKS_LOST' : 'RESTOCKS_SURPLUS',
      params: { returned: String(returned), done: String(doneBefore), owed: String(owed) },
    });
  }
  return {
    name: 'returned',
    expected,
    actual,
    exceptions,
  };
}
