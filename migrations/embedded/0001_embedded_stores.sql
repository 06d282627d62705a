-- The embedded stores of Weir 0.1: what stands in for Redis and RabbitMQ where these are not configured. A migration is never
-- edited once it is released: the next change is a file with the next number.

-- The entries of all seckill streams. Finished entries are deleted.
CREATE TABLE embedded_stream (
    entry BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream TEXT NOT NULL,
    -- In the form of Redis' own ids: milliseconds, '-', entry.
    entry_id VARCHAR(64) NOT NULL,
    fields JSONB NOT NULL,
    -- The consumer that an entry was handed to, where there is more than one.
    consumer TEXT,
    delivered_at TIMESTAMPTZ,
    deliveries INTEGER NOT NULL DEFAULT 0
);

-- How far the only consumer of a single-session database has come: entries up to here have been handed out.
CREATE TABLE embedded_cursor (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    entry BIGINT NOT NULL DEFAULT 0
);
INSERT INTO embedded_cursor DEFAULT VALUES;

-- Entries ever added to each stream, as Redis counts them.
CREATE TABLE embedded_streams (
    stream TEXT COLLATE "C" PRIMARY KEY,
    added BIGINT NOT NULL
);

-- The messages of all queues.
CREATE TABLE embedded_queue (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue TEXT COLLATE "C" NOT NULL,
    message_id TEXT NOT NULL,
    body BYTEA NOT NULL,
    traceparent TEXT,
    published_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX embedded_queue_order ON embedded_queue (queue, id);

-- The terms and counters of the present sale of each product; in Redis they are one hash.
CREATE TABLE embedded_sales (
    stream TEXT COLLATE "C" PRIMARY KEY,
    -- Counts the sales of the product.
    number INTEGER NOT NULL DEFAULT 1,
    -- The stock that it was opened with; more may have been added since.
    opened_stock BIGINT NOT NULL DEFAULT 0,
    stock BIGINT NOT NULL CHECK (stock >= 0),
    remaining BIGINT NOT NULL CHECK (remaining >= 0),
    sold BIGINT NOT NULL DEFAULT 0 CHECK (sold >= 0),
    -- Restocked units that wait to be sold again, and all units ever restocked.
    restocked BIGINT NOT NULL DEFAULT 0 CHECK (restocked >= 0),
    returned BIGINT NOT NULL DEFAULT 0 CHECK (returned >= 0),
    per_user_limit INTEGER NOT NULL DEFAULT 1 CHECK (per_user_limit > 0),
    starts_at TIMESTAMPTZ,
    ends_at TIMESTAMPTZ,
    is_paused BOOLEAN NOT NULL DEFAULT FALSE,
    has_ended BOOLEAN NOT NULL DEFAULT FALSE,
    entry VARCHAR(10) NOT NULL DEFAULT 'open' CHECK (entry IN ('open', 'ticket')),
    -- The rate of the waiting room, visitors a second; NULL: there is none.
    admit_per_second DOUBLE PRECISION CHECK (admit_per_second > 0),
    ticket_secret TEXT NOT NULL DEFAULT '',
    -- When the next visitor is admitted, milliseconds since 1970; and how many tickets were given out.
    next_ms DOUBLE PRECISION NOT NULL DEFAULT 0,
    tickets BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT embedded_sales_sum CHECK (stock = sold + remaining + restocked)
);

-- Units in order of purchase, with the sale that sold them: a unit of an earlier sale changes no counter of the present one.
CREATE TABLE embedded_sale_units (
    stream TEXT COLLATE "C" NOT NULL,
    entry_id VARCHAR(64) COLLATE "C" NOT NULL,
    user_id BIGINT NOT NULL,
    number INTEGER NOT NULL DEFAULT 1,
    ordinal BIGINT GENERATED ALWAYS AS IDENTITY,
    restocked BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (stream, entry_id)
);
CREATE INDEX embedded_sale_units_order ON embedded_sale_units (stream, number, ordinal);

-- How many units each user bought in the present sale, and the entry of the last one.
CREATE TABLE embedded_sale_buyers (
    stream TEXT COLLATE "C" NOT NULL,
    user_id BIGINT NOT NULL,
    bought INTEGER NOT NULL CHECK (bought >= 0),
    entry_id VARCHAR(64),
    PRIMARY KEY (stream, user_id)
);

-- Idempotency keys of the present sale.
CREATE TABLE embedded_sale_keys (
    stream TEXT COLLATE "C" NOT NULL,
    user_id BIGINT NOT NULL,
    idempotency_key VARCHAR(255) COLLATE "C" NOT NULL,
    entry_id VARCHAR(64) NOT NULL,
    PRIMARY KEY (stream, user_id, idempotency_key)
);

-- Tickets of the present sale, each with the time at which it admits.
CREATE TABLE embedded_tickets (
    stream TEXT COLLATE "C" NOT NULL,
    user_id BIGINT NOT NULL,
    unit INTEGER NOT NULL,
    admitted_at_ms BIGINT NOT NULL,
    PRIMARY KEY (stream, user_id, unit)
);

-- What a ticket bought, whatever is on sale now; and the secrets of earlier sales, by which their tickets are recognised.
CREATE TABLE embedded_used_tickets (
    stream TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    user_id BIGINT NOT NULL,
    unit INTEGER NOT NULL,
    entry_id VARCHAR(64) COLLATE "C" NOT NULL,
    PRIMARY KEY (stream, number, user_id, unit)
);
CREATE TABLE embedded_sale_secrets (
    stream TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    secret TEXT NOT NULL,
    PRIMARY KEY (stream, number)
);
