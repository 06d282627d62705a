import type { InstanceLog } from '../../core/instance/instance-log.ts';
import type { Database } from '../../lib/sql.ts';
import { type InstanceLogRow, instanceLogColumns, toInstanceLog } from './instance-logs.ts';
import {
  countBySource,
  countByStep,
  type SourceCount,
  type TrendPoint,
  type TrendWindow,
} from './instance-stats.ts';
import { type InstanceFilter, type InstancePage, listInstances } from './list-instances.ts';

/** What people ask of instance_logs; nothing here is on a purchase's way. */
export class InstanceQueries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Of one that is archived what is kept of it. */
  async findInstance(instanceId: bigint): Promise<InstanceLog | undefined> {
    const [row] = await this.#database.query<InstanceLogRow & { archived: boolean }>(
      `SELECT ${instanceLogColumns}, FALSE AS archived FROM instance_logs WHERE instance_id = $1
       UNION ALL SELECT ${instanceLogColumns}, TRUE FROM archived_purchases WHERE instance_id = $1 LIMIT 1`,
      [instanceId.toString()],
    );
    return row && { ...toInstanceLog(row), ...(row.archived ? { archived: true } : {}) };
  }

  /** Newest first. `cursor` is the nextCursor of the page before; undefined after the last page. */
  listInstances(filter: InstanceFilter, limit: number, cursor: string | undefined): Promise<InstancePage> {
    return listInstances(this.#database, filter, limit, cursor);
  }

  countBySource(): Promise<SourceCount[]> {
    return countBySource(this.#database);
  }

  countByStep(window: TrendWindow): Promise<TrendPoint[]> {
    return countByStep(this.#database, window);
  }
}
