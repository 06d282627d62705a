import type pg from 'pg';

/** The seed's table with the unique index its notes recommend, and the other tables that the peers need. */
export async function createPeerTables(client: pg.Client): Promise<void> {
  await client.query(`
    CREATE TABLE products (
      id BIGINT PRIMARY KEY,
      name TEXT NOT NULL,
      cpus INT NOT NULL,
      memory_mb INT NOT NULL,
      gpu INT NOT NULL,
      image TEXT NOT NULL,
      price_cents BIGINT NOT NULL,
      enabled BOOLEAN NOT NULL
    );
    CREATE TABLE instance_logs (
      id BIGSERIAL PRIMARY KEY,
      product_id BIGINT NOT NULL,
      user_id BIGINT NOT NULL,
      instance_id BIGINT NOT NULL,
      source VARCHAR(20) NOT NULL,
      source_id VARCHAR(64) NOT NULL,
      status VARCHAR(20) NOT NULL DEFAULT 'PROCESSING',
      created_at TIMESTAMPTZ DEFAULT NOW(),
      updated_at TIMESTAMPTZ DEFAULT NOW()
    );
    CREATE UNIQUE INDEX ON instance_logs (source, source_id);
    CREATE TABLE outbox (
      id BIGSERIAL PRIMARY KEY,
      event BYTEA NOT NULL
    );
  `);
}
