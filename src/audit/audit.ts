/** What the stores say, in one moment as far as two stores can. */
export interface AuditFigures {
  /** Rows ever, archived ones included. */
  instances: readonly InstanceCount[];
  announced: number;
  /** First announcements that wait in the outbox. */
  waitingEvents: number;
  /** First announcements that stand parked or were discarded. */
  parkedEvents: number;
  /** Orders made here that were paid. */
  paidOrders: number;
  /** Refunds of payments that never became an instance. */
  refundsWithoutInstance: number;
  /** Compensations for failed instances, by kind. */
  compensations: Readonly<Record<'GIVE_BACK' | 'REFUND' | 'NOTHING', number>>;
  /** PROCESSING although their last deadline is long over. */
  stuck: number;
  streams: readonly StreamFigure[];
  sales: readonly SaleFigure[];
  givenBack: readonly GivenBackCount[];
  waiting: AuditWaiting;
}

export interface InstanceCount {
  source: string;
  scope: string;
  knownOrder: boolean;
  status: string;
  rows: number;
}

export interface StreamFigure {
  stream: string;
  /** Entries ever added; undefined where the store does not count them (Redis before 7). */
  added: number | undefined;
  /** Rows, parked entries without a row, and entries that wait. */
  rows: number;
  parked: number;
  waiting: number;
  /**
   * The stream was deleted, emptied or restored since it was counted, and no operator has taken note of it yet. `lost`:
   * entries that had been counted and of which nothing came; there may be more.
   */
  anew: { at: Date; lost: number } | undefined;
}

export interface SaleFigure {
  stream: string;
  stock: number;
  sold: number;
  left: number;
  /** Of the units given back those that wait to be sold again. */
  givenBack: number;
  /** Units ever given back. */
  returned: number;
}

/** Units of one stream's sale whose compensation is done, was done before the stores were read, or is owed at all. */
export interface GivenBackCount {
  stream: string;
  doneBefore: number;
  owed: number;
}

/** What is under way: no mistake, but worth a look when it grows. */
export interface AuditWaiting {
  entries: number;
  events: number;
  processing: number;
  overdue: number;
  parked: number;
  giveBacks: number;
  refunds: number;
}

export interface AuditException {
  /** What it is about: a stream, an order, an instance. */
  id: string;
  what: string;
  /** What to do next. */
  advice: string;
}

export interface AuditSum {
  name: string;
  /** The sum in words. */
  law: string;
  expected: number;
  actual: number;
  difference: number;
  exceptions: AuditException[];
  /** What the sum does not cover. */
  note?: string;
}

export interface Audit {
  ok: boolean;
  auditedAt: Date;
  /** What it took, in ms. */
  lastedMs: number;
  sums: AuditSum[];
  waiting: AuditWaiting;
}

export type SumName =
  | 'entries'
  | 'events'
  | 'instances'
  | 'orders'
  | 'refunds'
  | 'given back'
  | 'nothing owed'
  | 'stock'
  | 'returned'
  | 'stuck';

/** Finds what is behind a difference; asked only when there is one. */
export type FindExceptions = (name: SumName) => Promise<AuditException[]>;

/** The sums that must hold at any time (P7). */
export async function sumUp(
  figures: AuditFigures,
  findExceptions: FindExceptions,
): Promise<Pick<Audit, 'ok' | 'sums' | 'waiting'>> {
  const sums: AuditSum[] = [];
  for (const { exceptions = [], ...sum } of listSums(figures)) {
    const difference = sum.actual - sum.expected;
    if (difference !== 0) exceptions.push(...(await findExceptions(sum.name)));
    sums.push({ ...sum, difference, exceptions });
  }
  const ok = sums.every(({ difference, exceptions }) => difference === 0 && exceptions.length === 0);
  return { ok, sums, waiting: figures.waiting };
}

interface PlainSum {
  name: SumName;
  law: string;
  expected: number;
  actual: number;
  exceptions?: AuditException[];
  note?: string;
}

function listSums(figures: AuditFigures): PlainSum[] {
  const { compensations } = figures;
  const count = (wanted: (row: InstanceCount) => boolean) =>
    figures.instances.reduce((sum, row) => (wanted(row) ? sum + row.rows : sum), 0);
  const rows = count(() => true);
  const withStatus = (status: string) => count((row) => row.status === status);
  const failed = (source: string) => count((row) => row.status === 'FAILED' && row.source === source);
  return [
    sumEntries(figures.streams),
    {
      name: 'events',
      law: 'rows = events confirmed + waiting + parked',
      expected: rows,
      actual: figures.announced + figures.waitingEvents + figures.parkedEvents,
    },
    {
      name: 'instances',
      law: 'rows = PROCESSING + SUCCESS + FAILED',
      expected: rows,
      actual: withStatus('PROCESSING') + withStatus('SUCCESS') + withStatus('FAILED'),
    },
    {
      name: 'orders',
      law: 'paid orders = their instances + payments that came too late',
      expected: figures.paidOrders,
      actual:
        count(({ source, knownOrder }) => source === 'ORDER' && knownOrder) + figures.refundsWithoutInstance,
    },
    {
      name: 'refunds',
      law: 'failed order instances = refunds asked for',
      expected: failed('ORDER'),
      actual: compensations.REFUND,
    },
    {
      name: 'given back',
      law: 'failed sale instances = units to give back',
      expected: failed('SECKILL'),
      actual: compensations.GIVE_BACK,
    },
    {
      name: 'nothing owed',
      law: 'other failed instances = purchases owed nothing',
      expected: withStatus('FAILED') - failed('ORDER') - failed('SECKILL'),
      actual: compensations.NOTHING,
    },
    sumStock(figures.sales),
    sumReturned(figures.sales, figures.givenBack),
    {
      name: 'stuck',
      law: 'no instance is PROCESSING beyond its last deadline',
      expected: 0,
      actual: figures.stuck,
    },
  ];
}

function sumEntries(streams: readonly StreamFigure[]): PlainSum {
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
        what:
          `${figure.added} entries were added; ${figure.rows} are rows, ${figure.parked} parked, ` +
          `${figure.waiting} wait`,
        advice:
          difference < 0
            ? 'entries are missing: who runs XDEL or XTRIM on the stream? Find the buyers in the records of the seller' +
              ', then: weir audit --accept and the stream'
            : 'more than were ever added: see docs/operating.md#audit',
      });
    }
    if (figure.anew) {
      exceptions.push({
        id: figure.stream,
        what:
          `the stream was deleted, emptied or restored before ${figure.anew.at.toISOString()}; ` +
          `${figure.anew.lost} entries or more that had been counted are gone`,
        advice:
          'find the buyers in the records of the seller, make Redis durable (weir doctor), ' +
          `then: weir audit --accept ${figure.stream}`,
      });
    }
  }
  const uncounted = streams.length - counted.length;
  return {
    name: 'entries',
    law: 'stream entries added = rows + parked + waiting',
    expected: counted.reduce((sum, { added }) => sum + added, 0),
    actual: counted.reduce((sum, figure) => sum + found(figure), 0),
    exceptions,
    ...(uncounted > 0
      ? { note: `${uncounted} streams not checked: Redis counts entries from version 7 on` }
      : {}),
  };
}

function sumStock(sales: readonly SaleFigure[]): PlainSum {
  const found = ({ sold, left, givenBack }: SaleFigure) => sold + left + givenBack;
  return {
    name: 'stock',
    law: 'stock = sold + left + given back',
    expected: sales.reduce((sum, { stock }) => sum + stock, 0),
    actual: sales.reduce((sum, sale) => sum + found(sale), 0),
    exceptions: sales
      .filter((sale) => found(sale) !== sale.stock)
      .map((sale) => ({
        id: sale.stream,
        what: `stock ${sale.stock}, sold ${sale.sold}, left ${sale.left}, given back ${sale.givenBack}`,
        advice: 'somebody has changed the counters of the sale beside Weir',
      })),
  };
}

/**
 * A unit that Redis has taken back and forgotten again, in a crash, would never be sold. What is done between the two
 * readings is under way, so only less than was done before and more than is owed at all make a difference.
 */
function sumReturned(sales: readonly SaleFigure[], givenBack: readonly GivenBackCount[]): PlainSum {
  const counts = new Map(givenBack.map((count) => [count.stream, count]));
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
          ? 'Redis has lost some of them: `weir sale give-back` takes them to the sale once more'
          : 'somebody has changed the counters of the sale beside Weir',
    });
  }
  return {
    name: 'returned',
    law: 'units given back = units the sales took back',
    expected,
    actual,
    exceptions,
  };
}
