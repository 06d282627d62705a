import type pg from 'pg';

/**
 * Planning takes longer than running where a statement has few rows: 0.6 of 1.0 ms for 28 callbacks. So a
 * plan is kept for them, made without the values. Indexes and nested loops only: made while a table is small,
 * a plan with a scan or a hash of the whole table would also be used when the table is large.
 */
export const keepPlans = `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
  SET enable_mergejoin = off`;
/** As the session was opened (session-settings.ts). */
const makeAgain = `SET plan_cache_mode = force_custom_plan; RESET enable_seqscan; RESET enable_hashjoin;
  RESET enable_mergejoin`;

/** With more rows a plan made for them is worth its time: nested loops grow with the square. */
export const mostRowsOfKeptPlan = 64;

/** Switches sessions between the two ways; the switch is sent together with the next statement. */
export class KeptPlans {
  readonly #keeps = new WeakMap<pg.ClientBase, boolean>();

  /**
   * Without this, plans of the session are always made again: behind a pooler, what a session sets can reach
   * others.
   */
  async allow(client: pg.ClientBase): Promise<void> {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const { processID } = client as pg.ClientBase & { processID: number };
    if (rows[0]?.pid === processID) this.#keeps.set(client, false);
  }

  /** Outside a transaction: ROLLBACK would restore the setting. */
  switch(client: pg.PoolClient, keeps: boolean): void {
    if (this.#keeps.get(client) !== !keeps) return;
    this.#keeps.set(client, keeps);
    // A session in an unknown state is not used again.
    client.query(keeps ? keepPlans : makeAgain).catch(() => client.connection.stream.destroy());
  }
}
