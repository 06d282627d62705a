import type { AuditFigures, AuditWaiting, InstanceCount } from './audit-figures.ts';
import type { AuditFinding, AuditNote } from './audit-finding.ts';
import { sumEntries } from './sum-entries.ts';
import { sumReturned, sumStock, sumUnits } from './sum-sales.ts';

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
