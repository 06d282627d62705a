import type { AuditException, PlainSum, RestockedCount, SaleFigure, UnitFigure } from './audit.ts';

/** What the store of a sale says to have sold, against what became of it. */
export function sumUnits(units: readonly UnitFigure[]): PlainSum {
  return {
    name: 'units',
    expected: units.reduce((sum, { sold }) => sum + sold, 0),
    actual: units.reduce((sum, figure) => sum + countFound(figure), 0),
    exceptions: units.flatMap(describe),
  };
}

/** What waits on the stream may be of other sellers, so it explains at most what is missing. */
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
 * A unit that Redis has taken back and forgotten again, in a crash, would never be sold. What is done between the two
 * readings is under way, so only less than was done before and more than is owed at all make a difference.
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
