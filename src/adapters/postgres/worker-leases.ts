import {
  idEpochMs,
  onlyCell,
  type WorkerLease,
  type WorkerLeases,
  workerIdsOf,
} from '../../core/instance/instance-id.ts';
import type { Sql } from '../../lib/sql.ts';

interface LeaseRow {
  worker_id: number;
  epoch: string;
  high_water_ms: string;
}

// Milliseconds of the database's clock since the id epoch; an earlier clock counts as just after it.
const nowMs = `greatest(1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint - ${idEpochMs})`;

/** Leases expire by the database's clock; high_water_ms, which never decreases, keeps ids unique. */
export function postgresWorkerLeases(sql: Sql, cell: string = onlyCell): WorkerLeases {
  const { first, last } = workerIdsOf(cell);
  return {
    async acquire(durationMs) {
      const [row] = await sql.query<LeaseRow>(
        `WITH free AS (
           SELECT worker_id FROM worker_leases WHERE expires_at <= clock_timestamp()
             AND worker_id BETWEEN $2 AND $3
           ORDER BY high_water_ms, worker_id LIMIT 1 FOR UPDATE SKIP LOCKED
         )
         UPDATE worker_leases SET epoch = epoch + 1, high_water_ms = greatest(high_water_ms, ${nowMs}) + $1::bigint,
           expires_at = clock_timestamp() + make_interval(secs => $1 / 1000.0)
         FROM free WHERE worker_leases.worker_id = free.worker_id
         RETURNING worker_leases.worker_id, epoch::text, high_water_ms::text`,
        [durationMs, first, last],
      );
      return row && toLease(row, Number(row.high_water_ms) - durationMs);
    },

    async renew(lease, atMs, durationMs) {
      const [row] = await sql.query<LeaseRow>(
        `UPDATE worker_leases SET
           high_water_ms = greatest(high_water_ms, greatest($3::bigint, ${nowMs}) + $4::bigint),
           expires_at = clock_timestamp() + make_interval(secs => $4 / 1000.0)
         WHERE worker_id = $1 AND epoch = $2
         RETURNING worker_id, epoch::text, high_water_ms::text`,
        [lease.workerId, lease.epoch.toString(), atMs, durationMs],
      );
      return row && toLease(row, lease.fromMs);
    },

    async release({ workerId, epoch }) {
      await sql.query(
        'UPDATE worker_leases SET expires_at = clock_timestamp() WHERE worker_id = $1 AND epoch = $2',
        [workerId, epoch.toString()],
      );
    },
  };
}

function toLease(row: LeaseRow, fromMs: number): WorkerLease {
  return { workerId: row.worker_id, epoch: BigInt(row.epoch), fromMs, untilMs: Number(row.high_water_ms) };
}
