import pg from 'pg';
import { withDeadline } from '../pause.ts';
import { splitUrls } from './addresses.ts';

const deadlineMs = 10_000;

/** Reads tables of the installation and can write none: each session is read-only. */
export class ReadOnlyPostgres {
  readonly #urls: readonly string[];
  #client: pg.Client | undefined;

  constructor(address: string) {
    this.#urls = splitUrls(address);
  }

  /** One after the other; a connection that failed is replaced by one to the next host that is the primary. */
  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    this.#client ??= await this.#connect();
    try {
      return (await this.#client.query<Row>(text, values)).rows;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client) await endSession(client);
  }

  async #connect(): Promise<pg.Client> {
    let last: unknown;
    for (const url of this.#urls) {
      const client = new pg.Client({
        connectionString: url,
        ...{ application_name: 'weir-verify', connectionTimeoutMillis: 3_000, query_timeout: deadlineMs },
      });
      client.on('error', () => this.#forget(client));
      try {
        await client.connect();
        await client.query('SET default_transaction_read_only = on');
        const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
        if (!rows[0]?.standby) return client;
        last = new Error('PostgreSQL: no host is the primary');
      } catch (error) {
        last = error;
      }
      await endSession(client);
    }
    throw last;
  }

  #forget(client: pg.Client): void {
    if (this.#client === client) this.#client = undefined;
  }
}

/** A frozen server does not answer the end of a session either. */
async function endSession(client: pg.Client): Promise<void> {
  await withDeadline('PostgreSQL', 2_000, client.end()).catch(() => {});
}
