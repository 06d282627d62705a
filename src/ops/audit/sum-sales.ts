import type { AuditException, PlainSum, RestockedCount, SaleFigure, UnitFigure } from './audit.ts';

/** Compares the units sold according to the store with what they became. */
export function sumUnits(units: readonly UnitFigure[]): PlainSum {
  return {
    name: 'units',
    invariant: 'units sold in Redis = instances + parked + waiting',
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
  const exceptions = tooMany.map((what) => ({
    id,
    what,
    advice: 'was a row written by hand? Find out who is owed',
  }));
  if (countFound(figure) < sold) {
    exceptions.push({
      id,
      what: `the sale sold ${sold} units; ${instances} are instances, ${parked} parked, ${waiting} wait`,
      advice: 'entries were removed from the stream before they were read: the listed buyers have nothing',
    });
  }
  if (lost > 0) {
    exceptions.push({
      id,
      what: `Redis lost ${lost} units before ${lostAt?.toISOString()} that it had sold: their buyers have nothing`,
      advice: `make Redis durable (weir doctor), let the buyers buy again, then: weir audit --accept ${id}`,
    });
  }
  return exceptions;
}

export function sumStock(sales: readonly SaleFigure[]): PlainSum {
  const found = ({ sold, remaining, restocked }: SaleFigure) => sold + remaining + restocked;
  return {
    name: 'stock',
    invariant: 'stock = sold + remaining + restocked',
    expected: sales.reduce((sum, { stock }) => sum + stock, 0),
    actual: sales.reduce((sum, sale) => sum + found(sale), 0),
    exceptions: sales
      .filter((sale) => found(sale) !== sale.stock)
      .map((sale) => ({
        id: sale.stream,
        what: `stock ${sale.stock}, sold ${sale.sold}, remaining ${sale.remaining}, restocked ${sale.restocked}`,
        advice: 'another program changed the counters of the sale',
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
      what: `${returned} units were taken back by the sale, ${doneBefore} of ${owed} owed are done`,
      advice:
        difference < 0
          ? 'Redis has lost some of them: `weir sale restock` takes them to the sale once more'
          : 'another program changed the counters of the sale',
    });
  }
  return {
    name: 'returned',
    invariant: 'units restocked = units the sales took back',
    expected,
    actual,
    exceptions,
  };
}
