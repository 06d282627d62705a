import type { AuditFinding, AuditNote, TooManyInstances } from './audit-finding.ts';
import { sumReturned, sumStock, sumUnits } from './sum-sales.ts';

/** Figures of all stores, as close to one moment as two stores permit. */
export interface AuditFigures {
  /** Rows ever created, including archived ones. */
  instances: readonly InstanceCount[];
  published: number;
  /** First publications waiting in the outbox. */
  waitingEvents: number;
  /** First publications parked or discarded. */
  parkedEvents: number;
  /** Paid orders created in Weir. */
  paidOrders: number;
  /** Refunds of payments that never became an instance. */
  refundsWithoutInstance: number;
  /** Compensations for failed instances, by kind. */
  compensations: Readonly<Record<'RESTOCK' | 'REFUND' | 'NOTHING', number>>;
  /** PROCESSING long after their last deadline. */
  unsettled: number;
  streams: readonly StreamFigure[];
  sales: readonly SaleFigure[];
  units: readonly UnitFigure[];
  restocked: readonly RestockedCount[];
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
  /** Rows, parked entries without a row, and waiting entries. */
  rows: number;
  parked: number;
  waiting: number;
  /**
   * The stream was deleted, emptied or restored since the last count, and no operator has accepted that yet.
   * `lost`: counted entries without any effect; there may be more.
   */
  restarted: { at: Date; lost: number } | undefined;
}

export interface SaleFigure {
  stream: string;
  stock: number;
  sold: number;
  remaining: number;
  /** Restocked units that wait to be sold again. */
  restocked: number;
  /** Units ever restocked. */
  returned: number;
  /** For a sale with counters in another store: its number, and the units it ever sold. */
  number?: number;
  nth?: number;
}

/** The units of a sale with counters in another store, as recorded in the database. */
export interface UnitFigure {
  stream: string;
  /** Units sold according to the store. */
  sold: number;
  /** Those among them that are instances, parked, or possibly waiting on the stream. */
  instances: number;
  parked: number;
  waiting: number;
  /** Units that the store sold and lost, and that no operator has accepted yet. */
  lost: number;
  lostAt: Date | undefined;
  /** More instances than stock, or than the limit of a user. */
  tooMany: readonly TooManyInstances[];
}

/** Units of one stream's sale: compensation done, done before the stores were read, or owed. */
export interface RestockedCount {
  stream: string;
  doneBefore: number;
  owed: number;
}

/** Work in progress: not a difference, but worth attention when it grows. */
interface AuditWaiting {
  entries: number;
  events: number;
  processing: number;
  overdue: number;
  parked: number;
  restocks: number;
  refunds: number;
}

/** `id`: what it is about: a stream, an order, an instance. */
export type AuditException = { id: string } & AuditFinding;

export interface AuditSum {
  name: string;
  expected: number;
  actual: number;
  difference: number;
  exceptions: AuditException[];
  /** What the sum does not cover. */
  note?: AuditNote;
}

export interface Audit {
  ok: boolean;
  auditedAt: Date;
  /** Duration of the audit in ms. */
  durationMs: number;
  sums: AuditSum[];
  waiting: AuditWaiting;
}

export type SumName =
  | 'entries'
  | 'events'
  | 'instances'
  | 'orders'
  | 'refunds'
  | 'restocked'
  | 'nothing owed'
  | 'stock'
  | 'units'
  | 'returned'
  | 'unsettled';

/** Finds the causes of a difference; called only when there is one. */
type FindExceptions = (name: SumName) => Promise<AuditException[]>;

/** Compares the sums that must hold at any time (P7). */
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

export interface PlainSum {
  name: SumName;
  expected: number;
  actual: number;
  exceptions?: AuditException[];
  note?: AuditNote;
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
      expected: rows,
      actual: figures.published + figures.waitingEvents + figures.parkedEvents,
    },
    {
      name: 'instances',
      expected: rows,
      actual: withStatus('PROCESSING') + withStatus('SUCCESS') + withStatus('FAILED'),
    },
    {
      name: 'orders',
      expected: figures.paidOrders,
      actual:
        count(({ source, knownOrder }) => source === 'ORDER' && knownOrder) + figures.refundsWithoutInstance,
    },
    {
      name: 'refunds',
      expected: failed('ORDER'),
      actual: compensations.REFUND,
    },
    {
      name: 'restocked',
      expected: failed('SECKILL'),
      actual: compensations.RESTOCK,
    },
    {
      name: 'nothing owed',
      expected: withStatus('FAILED') - failed('ORDER') - failed('SECKILL'),
      actual: compensations.NOTHING,
    },
    sumStock(figures.sales),
    sumUnits(figures.units),
    sumReturned(figures.sales, figures.restocked),
    {
      name: 'unsettled',
      expected: 0,
      actual: figures.unsettled,
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
