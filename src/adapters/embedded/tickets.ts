import type { Sql } from '../../lib/sql.ts';
import type { TicketOutcome } from '../../sale/checkout.ts';
import { needsTicket, stateOfSale } from '../../sale/sale.ts';
import { findSaleRow, toStored } from './sale-row.ts';

/** In one transaction that locks the sale's row. */
export async function issueTicketOn(
  sql: Sql,
  stream: string,
  userId: string,
  unit: number,
): Promise<TicketOutcome> {
  const row = await findSaleRow(sql, stream, 'FOR UPDATE');
  if (!row) return { kind: 'SALE_NOT_FOUND' };
  const sale = toStored(row);
  const state = stateOfSale(sale, row.now.getTime());
  if (state === 'ENDED') return { kind: 'ENDED' };
  if (!needsTicket(sale)) return { kind: 'TICKETS_UNUSED' };
  const [known] = await sql.query<{ admitted_at_ms: string }>(
    'SELECT admitted_at_ms::text FROM embedded_tickets WHERE stream = $1 AND user_id = $2 AND unit = $3',
    [stream, userId, unit],
  );
  const given = { number: row.number, secret: row.ticket_secret };
  if (known) return { kind: 'repeat', ...given, admittedAtMs: Number(known.admitted_at_ms) };
  if (unit > row.per_user_limit) return { kind: 'LIMIT_REACHED' };
  const startsMs = row.starts_at?.getTime() ?? 0;
  if (row.entry === 'ticket' && startsMs <= row.now.getTime()) return { kind: 'TICKETS_CLOSED' };
  const [taken] = await sql.query<{ slot: number }>(
    `UPDATE embedded_sales SET tickets = tickets + 1,
       next_ms = greatest($2, CASE WHEN admit_per_second IS NULL THEN 0 ELSE next_ms END)
         + coalesce(1000 / admit_per_second, 0)
     WHERE stream = $1 RETURNING next_ms - coalesce(1000 / admit_per_second, 0) AS slot`,
    [stream, Math.max(row.now.getTime(), startsMs)],
  );
  const admittedAtMs = Math.ceil(taken?.slot ?? 0);
  await sql.query('INSERT INTO embedded_tickets VALUES ($1, $2, $3, $4)', [
    ...[stream, userId, unit, admittedAtMs],
  ]);
  return { kind: 'given', ...given, admittedAtMs };
}
