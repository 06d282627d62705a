-- What Weir sells.
CREATE TABLE products (
    id BIGINT PRIMARY KEY CHECK (id > 0),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    cpus INTEGER NOT NULL CHECK (cpus > 0),
    memory_mb INTEGER NOT NULL CHECK (memory_mb > 0),
    gpu INTEGER NOT NULL DEFAULT 0 CHECK (gpu >= 0),
    image TEXT NOT NULL CHECK (length(image) BETWEEN 1 AND 200),
    price_cents BIGINT NOT NULL DEFAULT 0 CHECK (price_cents >= 0),
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    version INTEGER NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Whoever changes a product, psql included, changes its version: a commit made from an older one inserts nothing.
CREATE FUNCTION advance_product_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := NOW();
    RETURN NEW;
END $$;
CREATE TRIGGER products_version BEFORE UPDATE ON products
    FOR EACH ROW EXECUTE FUNCTION advance_product_version();

CREATE TABLE orders (
    id VARCHAR(64) PRIMARY KEY,
    product_id BIGINT NOT NULL CHECK (product_id > 0),
    user_id BIGINT NOT NULL CHECK (user_id > 0),
    status VARCHAR(20) NOT NULL DEFAULT 'PENDING' CHECK (status IN
        ('PENDING', 'PAID', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'REFUND_REQUESTED', 'REFUNDED')),
    amount_cents BIGINT NOT NULL CHECK (amount_cents >= 0),
    idempotency_key VARCHAR(255) UNIQUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    paid_at TIMESTAMPTZ,
    CHECK (status IN ('PENDING', 'CANCELLED', 'EXPIRED') OR paid_at IS NOT NULL)
);

CREATE TABLE instance_logs (
    id BIGSERIAL PRIMARY KEY,
    product_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL CHECK (user_id > 0),
    instance_id BIGINT NOT NULL UNIQUE,
    source VARCHAR(20) NOT NULL CHECK (source ~ '^[A-Z][A-Z0-9_]*$'),
    source_id VARCHAR(64) NOT NULL CHECK (source_id <> ''),
    scope TEXT NOT NULL DEFAULT '',
    status VARCHAR(20) NOT NULL DEFAULT 'PROCESSING' CHECK (status IN ('PROCESSING', 'SUCCESS', 'FAILED')),
    created_at TIMESTAMPTZ DEFAULT NOW(),
    updated_at TIMESTAMPTZ DEFAULT NOW(),
    UNIQUE (source, source_id, scope)
);
-- Rows come in order of time, so a block range index serves the trend at no cost worth measuring.
CREATE INDEX instance_logs_created_at ON instance_logs USING brin (created_at) WITH (pages_per_range = 32);

-- One row for each commit: the messages of all instances that it made (src/outbox/batch.ts).
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    events INTEGER NOT NULL CHECK (events > 0),
    batch BYTEA NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
-- Protobuf does not compress worth the time, and a batch lives for milliseconds.
ALTER TABLE outbox ALTER COLUMN batch SET STORAGE EXTERNAL;
-- Every batch is inserted and deleted once: do not let the dead ones pile up before the relay's index scan.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE parked (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin VARCHAR(20) NOT NULL CHECK (origin IN ('STREAM', 'OUTBOX')),
    reason VARCHAR(40) NOT NULL,
    detail TEXT NOT NULL,
    source VARCHAR(20) NOT NULL,
    scope TEXT NOT NULL,
    source_id TEXT NOT NULL,
    original BYTEA NOT NULL,
    parked_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    UNIQUE (origin, source, scope, source_id)
);

-- high_water_ms: no id of this worker lies at or above it, and its next owner begins there (src/instance/instance-id.ts).
CREATE TABLE worker_leases (
    worker_id SMALLINT PRIMARY KEY CHECK (worker_id BETWEEN 0 AND 1023),
    epoch BIGINT NOT NULL DEFAULT 0,
    high_water_ms BIGINT NOT NULL DEFAULT 0,
    expires_at TIMESTAMPTZ NOT NULL DEFAULT '-infinity'
);
INSERT INTO worker_leases (worker_id) SELECT generate_series(0, 1023);

-- The embedded stand-ins for Redis and RabbitMQ; empty where those are configured.
CREATE TABLE embedded_stream (
    entry BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream TEXT NOT NULL,
    entry_id VARCHAR(64) NOT NULL,
    fields JSONB NOT NULL,
    consumer TEXT,
    delivered_at TIMESTAMPTZ,
    deliveries INTEGER NOT NULL DEFAULT 0
);

-- How far the only reader of a single-session database has come: entries up to here have been handed out.
CREATE TABLE embedded_cursor (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    entry BIGINT NOT NULL DEFAULT 0
);
INSERT INTO embedded_cursor DEFAULT VALUES;

CREATE TABLE embedded_queue (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue TEXT NOT NULL,
    message_id TEXT NOT NULL,
    body BYTEA NOT NULL,
    traceparent TEXT,
    published_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
