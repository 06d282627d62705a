import type { InstanceLog } from '../../core/instance/instance-log.ts';
import type { Database } from '../../lib/sql.ts';
import { type InstanceLogRow, instanceLogColumns, toInstanceLog } from './instance-log-row.ts';
import { countBySource, countByStep, type TrendWindow } from './instance-stats.ts';
import { type InstanceFilter, listInstances } from './list-instances.ts';
import { readTimeline } from './timeline.ts';

/** Reads instance_logs for operators; a purchase never waits for these queries. */
export function postgresInstanceQueries(database: Database) {
  /** For an archived instance, returns what archived_purchases keeps of it. */
  async function findInstance(instanceId: bigint): Promise<InstanceLog | undefined> {
    const [row] = await database.query<InstanceLogRow & { archived: boolean }>(
      `SELECT ${instanceLogColumns}, FALSE AS archived FROM instance_logs WHERE instance_id = $1
       UNION ALL SELECT ${instanceLogColumns}, TRUE FROM archived_purchases WHERE instance_id = $1 LIMIT 1`,
      [instanceId.toString()],
    );
    return row && { ...toInstanceLog(row), ...(row.archived ? { archived: true } : {}) };
  }

  return {
    findInstance,
    /** Newest first. `cursor`: the nextCursor of the previous page. The last page has none. */
    listInstances: (filter: InstanceFilter, limit: number, cursor: string | undefined) =>
      listInstances(database, filter, limit, cursor),
    /** The steps of an instance, in order of time. */
    readTimeline: (instance: InstanceLog) => readTimeline(database, instance),
    countBySource: () => countBySource(database),
    countByStep: (window: TrendWindow) => countByStep(database, window),
  };
}
