import type { InstanceLog } from '../instance/instance-log.ts';
import type { Sql } from '../lib/sql.ts';
import { type InstanceLogRow, instanceLogColumns, toInstanceLog } from './instance-logs.ts';

export interface InstanceFilter {
  source?: string | undefined;
  sourceId?: string | undefined;
  productId?: string | undefined;
  userId?: string | undefined;
  status?: string | undefined;
}

export interface SourceCount {
  source: string;
  total: string;
  success: string;
  failed: string;
  processing: string;
  /** Per cent with two decimals, of all: the seed's success_rate. */
  successRate: string;
}

export interface TrendPoint {
  minute: Date;
  source: string;
  count: string;
}

const filterColumns: Record<keyof InstanceFilter, string> = {
  source: 'source',
  sourceId: 'source_id',
  productId: 'product_id',
  userId: 'user_id',
  status: 'status',
};

/** What people ask of instance_logs; nothing here is on a purchase's way. */
export class InstanceQueries {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async findInstance(instanceId: bigint): Promise<InstanceLog | undefined> {
    const [row] = await this.#sql.query<InstanceLogRow>(
      `SELECT ${instanceLogColumns} FROM instance_logs WHERE instance_id = $1`,
      [instanceId.toString()],
    );
    return row && toInstanceLog(row);
  }

  /** Newest first. `cursor` is the nextCursor of the page before; undefined after the last page. */
  async listInstances(
    filter: InstanceFilter,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ items: InstanceLog[]; nextCursor: string | undefined }> {
    const values: unknown[] = [limit + 1];
    const conditions: string[] = [];
    for (const [name, column] of Object.entries(filterColumns) as [keyof InstanceFilter, string][]) {
      if (filter[name] !== undefined) conditions.push(`${column} = $${values.push(filter[name])}`);
    }
    if (cursor !== undefined) conditions.push(`id < $${values.push(cursor)}`);
    const rows = await this.#sql.query<InstanceLogRow & { id: string }>(
      `SELECT id::text, ${instanceLogColumns} FROM instance_logs
       ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''} ORDER BY instance_logs.id DESC LIMIT $1`,
      values,
    );
    const page = rows.slice(0, limit);
    return { items: page.map(toInstanceLog), nextCursor: rows.length > limit ? page.at(-1)?.id : undefined };
  }

  async countBySource(): Promise<SourceCount[]> {
    return this.#sql.query<SourceCount>(`
      SELECT source, count(*)::text AS total,
        count(*) FILTER (WHERE status = 'SUCCESS')::text AS success,
        count(*) FILTER (WHERE status = 'FAILED')::text AS failed,
        count(*) FILTER (WHERE status = 'PROCESSING')::text AS processing,
        round(100.0 * count(*) FILTER (WHERE status = 'SUCCESS') / count(*), 2)::text AS "successRate"
      FROM instance_logs GROUP BY source ORDER BY source`);
  }

  /** Instances created in each of the last `minutes`, newest first; minutes without any are left out. */
  async countByMinute(minutes: number): Promise<TrendPoint[]> {
    return this.#sql.query<TrendPoint>(
      `SELECT date_trunc('minute', created_at) AS minute, source, count(*)::text AS count FROM instance_logs
       WHERE created_at >= now() - make_interval(mins => $1) GROUP BY minute, source ORDER BY minute DESC, source`,
      [minutes],
    );
  }
}
