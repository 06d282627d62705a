import type { Database, Sql } from '../../lib/sql.ts';
import type { SaleFigure } from '../../ops/audit/audit-figures.ts';
import type { StreamReading, StreamReadings } from '../../ops/audit/stream-reading.ts';
import { shareTransaction } from './share-transaction.ts';

interface ReadingRow {
  stream: string;
  added: string;
  waiting: string;
}

/**
 * The embedded streams, and the view on which an audit reads them in its own snapshot: entries wait that have
 * neither a row nor a parked item.
 */
export function embeddedStreamReadings(database: Database): { database: Database; readings: StreamReadings } {
  const view = shareTransaction(database);
  const read = async () => ({ streams: await readStreams(view), sales: await readSales(view) });
  return { database: view, readings: { read } };
}

async function readStreams(sql: Sql): Promise<StreamReading[]> {
  const rows = await sql.query<ReadingRow>(
    `SELECT stream, added::text, (SELECT count(*) FROM embedded_stream WHERE embedded_stream.stream = embedded_streams.stream
         AND NOT EXISTS (SELECT 1 FROM instance_logs WHERE source = 'SECKILL' AND source_id = entry_id
           AND scope = embedded_stream.stream)
         AND NOT EXISTS (SELECT 1 FROM parked WHERE origin = 'STREAM' AND source = 'SECKILL'
           AND scope = embedded_stream.stream AND source_id = entry_id))::text AS waiting
       FROM embedded_streams ORDER BY stream`,
  );
  return rows.map(
    ({ stream, added, waiting }): StreamReading => ({
      stream,
      added: Number(added),
      lastDelivered: undefined,
      undelivered: Number(waiting),
      pending: [],
    }),
  );
}

async function readSales(sql: Sql): Promise<SaleFigure[]> {
  const rows = await sql.query<Record<keyof Omit<SaleFigure, 'number' | 'nth'>, string>>(
    'SELECT stream, stock, sold, remaining AS remaining, restocked AS "restocked", returned FROM embedded_sales ORDER BY stream',
  );
  return rows.map(({ stream, stock, sold, remaining, restocked, returned }) => ({
    stream,
    stock: Number(stock),
    sold: Number(sold),
    remaining: Number(remaining),
    restocked: Number(restocked),
    returned: Number(returned),
  }));
}
