-- The sales that Weir runs in Redis: their terms, and every unit that became an instance. Redis holds the counters and can
-- lose its latest writes; this is what it is rebuilt from, and what a second sale of the same unit meets.
CREATE TABLE sales (
    -- Also the number of the sale in Redis, in tickets and in the entries of its stream.
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream TEXT COLLATE "C" NOT NULL,
    product_id BIGINT NOT NULL CHECK (product_id > 0),
    -- The stock that it was opened with, and what it is after additions.
    opened_stock BIGINT NOT NULL CHECK (opened_stock > 0),
    stock BIGINT NOT NULL CHECK (stock >= opened_stock),
    per_user_limit INTEGER NOT NULL CHECK (per_user_limit > 0),
    starts_at TIMESTAMPTZ,
    ends_at TIMESTAMPTZ,
    entry VARCHAR(10) NOT NULL CHECK (entry IN ('open', 'ticket')),
    admit_per_second DOUBLE PRECISION CHECK (admit_per_second > 0),
    secret TEXT NOT NULL,
    is_paused BOOLEAN NOT NULL DEFAULT FALSE,
    has_ended BOOLEAN NOT NULL DEFAULT FALSE,
    -- Grows with every change, so that Redis applies changes in their order.
    version INTEGER NOT NULL DEFAULT 1,
    opened_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    ended_at TIMESTAMPTZ,
    -- The highest number of a unit that Redis was seen to have sold, and how many units Redis had sold and lost before they
    -- became instances, until an operator takes note of it.
    seen_nth BIGINT NOT NULL DEFAULT 0,
    lost BIGINT NOT NULL DEFAULT 0 CHECK (lost >= 0),
    lost_at TIMESTAMPTZ
);
CREATE INDEX sales_stream ON sales (stream, id);
CREATE INDEX sales_product ON sales (product_id, id);

-- One row for each unit that became an instance, written by the commit of the instance. `nth` counts the units that the sale
-- ever sold, `user_nth` those of the user. Redis counts both, so after it lost its latest writes it gives a number out again:
-- the second entry with that number makes no instance. This bounds the instances of a sale by its stock, and those of a user by
-- the limit, without a lock that purchases would share.
CREATE TABLE sale_units (
    sale_id BIGINT NOT NULL,
    nth BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    user_nth INTEGER NOT NULL,
    source_id VARCHAR(64) COLLATE "C" NOT NULL,
    -- Which of the user's tickets it was bought with.
    ticket_unit INTEGER,
    idempotency_key VARCHAR(255) COLLATE "C",
    PRIMARY KEY (sale_id, nth),
    UNIQUE (sale_id, user_id, user_nth)
);

-- The embedded store of sales: idempotency keys are of the present sale; a ticket keeps what it bought, whatever is on sale
-- now, and its secret is kept to recognise it.
DELETE FROM embedded_sale_keys;
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
INSERT INTO embedded_sale_secrets SELECT stream, number, ticket_secret FROM embedded_sales;
