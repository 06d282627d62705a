-- The schema of Weir 0.1. A migration is never edited once it is released: the next change is a file with the next number.
-- Identities are in byte order (COLLATE "C"): an index in a language's order is wrong from the moment the server's C library or
-- ICU sorts differently (a new operating system, a replica elsewhere), and a unique index that is wrong takes a key twice.

----------------------------------------------------------------------------------------------------------------------------
-- Instances
----------------------------------------------------------------------------------------------------------------------------

-- One row for each purchase that became an instance. The unique key is the promise "one purchase, one instance".
CREATE TABLE instance_logs (
    id BIGSERIAL PRIMARY KEY,
    product_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL CHECK (user_id > 0),
    instance_id BIGINT NOT NULL UNIQUE,
    source VARCHAR(20) COLLATE "C" NOT NULL CHECK (source ~ '^[A-Z][A-Z0-9_]*$'),
    source_id VARCHAR(64) COLLATE "C" NOT NULL CHECK (source_id <> ''),
    -- Within what the source id is unique: the key of the stream for SECKILL, else empty.
    scope TEXT COLLATE "C" NOT NULL DEFAULT '',
    status VARCHAR(20) NOT NULL DEFAULT 'PROCESSING' CHECK (status IN ('PROCESSING', 'SUCCESS', 'FAILED')),
    created_at TIMESTAMPTZ DEFAULT NOW(),
    updated_at TIMESTAMPTZ DEFAULT NOW(),
    -- With product_versions these make the event again, byte for byte.
    product_version INTEGER,
    event_at TIMESTAMPTZ,
    -- Why the instance FAILED, and when the Resource Domain said how it ended.
    reason TEXT,
    answered_at TIMESTAMPTZ,
    UNIQUE (source, source_id, scope)
)
-- Every row is updated once, when it is settled: with room on its page no index is touched (docs/decisions/0011).
WITH (fillfactor = 50);
-- Rows come in order of time, so a block range index serves the trend at no cost worth measuring. Without autosummarize the
-- youngest pages, which are asked for most, would be read in full until the next vacuum.
CREATE INDEX instance_logs_created_at ON instance_logs USING brin (created_at)
    WITH (pages_per_range = 32, autosummarize = on);
-- For searches by user or product: which pages may hold their rows. Written once for some thousand rows, so a purchase costs
-- the same with it; an index of every row would cost a quarter more (docs/decisions/0017).
CREATE INDEX instance_logs_bought ON instance_logs USING brin (
    user_id int8_bloom_ops (n_distinct_per_range = 1200, false_positive_rate = 0.001),
    product_id int8_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.001)
) WITH (pages_per_range = 32, autosummarize = on);

-- What happened to an instance that its row does not show: republished, answered late or twice, released.
CREATE TABLE instance_history (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    what VARCHAR(24) COLLATE "C" NOT NULL CHECK (what IN ('REPUBLISHED', 'RESULT_LATE', 'RESULT_CONFLICT',
        'RELEASE_REQUESTED', 'RELEASE_REQUESTED_AGAIN', 'REFUND_REQUESTED_AGAIN')),
    detail TEXT COLLATE "C" NOT NULL,
    actor TEXT NOT NULL
);
CREATE INDEX instance_history_instance ON instance_history (instance_id, id);
-- The same late or conflicting result is recorded once: its detail is what the sender sent, no sentence of ours. A release is
-- requested once. What is sent again is recorded each time.
CREATE UNIQUE INDEX instance_history_once ON instance_history (instance_id, what, md5(detail))
    WHERE what IN ('RESULT_LATE', 'RESULT_CONFLICT');
CREATE UNIQUE INDEX instance_history_release ON instance_history (instance_id) WHERE what = 'RELEASE_REQUESTED';

-- The worker ids in instance ids, one for each process. No id of a worker lies at or above high_water_ms, and its next owner
-- begins there (src/core/instance/instance-id.ts).
CREATE TABLE worker_leases (
    worker_id SMALLINT PRIMARY KEY CHECK (worker_id BETWEEN 0 AND 1023),
    epoch BIGINT NOT NULL DEFAULT 0,
    high_water_ms BIGINT NOT NULL DEFAULT 0,
    expires_at TIMESTAMPTZ NOT NULL DEFAULT '-infinity'
);
INSERT INTO worker_leases (worker_id) SELECT generate_series(0, 1023);

----------------------------------------------------------------------------------------------------------------------------
-- Products
----------------------------------------------------------------------------------------------------------------------------

-- What Weir sells. A commit inserts nothing for a product whose version is not the one that its events were made from.
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

-- A product as it was in each of its earlier versions, for events that are published again.
CREATE TABLE product_versions (
    product_id BIGINT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    cpus INTEGER NOT NULL,
    memory_mb INTEGER NOT NULL,
    gpu INTEGER NOT NULL,
    image TEXT NOT NULL,
    replaced_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (product_id, version)
);

-- Every change of a product, one made in psql included, changes its version.
CREATE FUNCTION advance_product_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := NOW();
    RETURN NEW;
END $$;
CREATE TRIGGER products_version BEFORE UPDATE ON products
    FOR EACH ROW EXECUTE FUNCTION advance_product_version();

-- TG_TABLE_SCHEMA: in the schema of their table, whatever the search_path of the session that changes a product.
CREATE FUNCTION keep_product_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I.product_versions (product_id, version, name, cpus, memory_mb, gpu, image)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING', TG_TABLE_SCHEMA)
        USING OLD.id, OLD.version, OLD.name, OLD.cpus, OLD.memory_mb, OLD.gpu, OLD.image;
    RETURN NULL;
END $$;
CREATE TRIGGER products_kept AFTER UPDATE OR DELETE ON products
    FOR EACH ROW EXECUTE FUNCTION keep_product_version();

-- A product that was deleted and created again goes on counting: a version never means two things.
CREATE FUNCTION continue_product_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE newest INTEGER;
BEGIN
    EXECUTE format('SELECT max(version) FROM %I.product_versions WHERE product_id = $1', TG_TABLE_SCHEMA)
        INTO newest USING NEW.id;
    NEW.version := greatest(NEW.version, 1 + coalesce(newest, 0));
    RETURN NEW;
END $$;
CREATE TRIGGER products_continued BEFORE INSERT ON products
    FOR EACH ROW EXECUTE FUNCTION continue_product_version();

----------------------------------------------------------------------------------------------------------------------------
-- Orders and payments
----------------------------------------------------------------------------------------------------------------------------

-- Orders that Weir created itself. A paid order moves to PAID in the commit of its instance.
CREATE TABLE orders (
    id VARCHAR(64) COLLATE "C" PRIMARY KEY,
    product_id BIGINT NOT NULL CHECK (product_id > 0),
    user_id BIGINT NOT NULL CHECK (user_id > 0),
    status VARCHAR(20) NOT NULL DEFAULT 'PENDING' CHECK (status IN
        ('PENDING', 'PAID', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'REFUND_REQUESTED', 'REFUNDED')),
    amount_cents BIGINT NOT NULL CHECK (amount_cents >= 0),
    idempotency_key VARCHAR(255) COLLATE "C" UNIQUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    paid_at TIMESTAMPTZ,
    -- NULL: never.
    expires_at TIMESTAMPTZ,
    CHECK (status IN ('PENDING', 'CANCELLED', 'EXPIRED') OR paid_at IS NOT NULL)
);
CREATE INDEX orders_expiring ON orders (expires_at) WHERE status = 'PENDING' AND expires_at IS NOT NULL;
CREATE INDEX orders_paid_at ON orders USING brin (paid_at) WITH (pages_per_range = 32);

-- Payments of an order that carry an id of their own, or that could not become its instance, and what was done with each.
-- payment_key tells them apart: 'p:' and the paymentId, else 'w:' and the webhook-id, else '' (src/core/orders/payment.ts).
CREATE TABLE payments (
    order_id VARCHAR(64) COLLATE "C" NOT NULL,
    payment_key TEXT COLLATE "C" NOT NULL,
    payment_id TEXT COLLATE "C",
    webhook_id TEXT COLLATE "C",
    amount_cents BIGINT CHECK (amount_cents >= 0),
    paid_at TIMESTAMPTZ,
    recorded_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    -- INSTANCE: it paid for the order's instance. REFUND: it is returned, see compensations with refund_scope.
    outcome VARCHAR(10) NOT NULL CHECK (outcome IN ('INSTANCE', 'REFUND', 'PARKED', 'DISCARDED')),
    refund_scope TEXT COLLATE "C",
    PRIMARY KEY (order_id, payment_key),
    CHECK ((outcome = 'REFUND') = (refund_scope IS NOT NULL))
);

-- Which status may follow which. The conditions are the triggers' own, so that a legal move costs no call.
CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % is %, which % may not follow', TG_TABLE_NAME, OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER instance_logs_moves BEFORE UPDATE ON instance_logs FOR EACH ROW
    WHEN (OLD.status <> 'PROCESSING' AND NEW.status <> OLD.status) EXECUTE FUNCTION refuse_move();
CREATE TRIGGER orders_moves BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('PENDING', 'PAID'), ('PENDING', 'CANCELLED'), ('PENDING', 'EXPIRED'),
        ('PAID', 'COMPLETED'), ('PAID', 'REFUND_REQUESTED'),
        ('CANCELLED', 'REFUND_REQUESTED'), ('EXPIRED', 'REFUND_REQUESTED'),
        ('REFUND_REQUESTED', 'REFUNDED'))) EXECUTE FUNCTION refuse_move();

----------------------------------------------------------------------------------------------------------------------------
-- The outbox
----------------------------------------------------------------------------------------------------------------------------

-- One row for each commit: the events of all instances that it created (src/core/outbox/outbox-batch.ts).
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- CREATED: the first publication of instances. AGAIN: republished. RELEASE, REFUND: requests.
    kind VARCHAR(10) NOT NULL DEFAULT 'CREATED' CHECK (kind IN ('CREATED', 'AGAIN', 'RELEASE', 'REFUND')),
    events INTEGER NOT NULL CHECK (events > 0),
    batch BYTEA NOT NULL,
    -- Refusals of the batch, and claims that broke off while it was lent: the latter are the transport's fault.
    attempts INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    due_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
)
-- Every batch is inserted and deleted once: dead rows must not pile up in front of the relay's index scan.
WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Compressing protobuf is not worth the time, and a batch lives for milliseconds.
ALTER TABLE outbox ALTER COLUMN batch SET STORAGE EXTERNAL;

-- How many messages left the outbox as confirmed. Counted in the commit that deletes their batches, so the audit's sums hold
-- at any time; each relay lane has a row of its own, so that lanes do not wait for each other.
CREATE TABLE published (
    kind VARCHAR(10) COLLATE "C" NOT NULL,
    lane SMALLINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (kind, lane)
) WITH (fillfactor = 50);
INSERT INTO published VALUES ('CREATED', 0, 0);

-- About once a second while anything moves: how old the oldest waiting batch was, and how many events had been published
-- until then. Shows when an instance was published without a write for each.
CREATE TABLE outbox_marks (
    at TIMESTAMPTZ PRIMARY KEY,
    waiting BIGINT NOT NULL,
    waiting_since TIMESTAMPTZ,
    published BIGINT
);
-- What is published is counted from one mark to the next.
INSERT INTO outbox_marks (at, waiting, published) VALUES (now(), 0, 0);

----------------------------------------------------------------------------------------------------------------------------
-- Results and deadlines
----------------------------------------------------------------------------------------------------------------------------

-- Instances that passed a deadline without a result.
CREATE TABLE overdue (
    instance_id BIGINT PRIMARY KEY,
    publications INTEGER NOT NULL DEFAULT 1,
    due_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX overdue_due_at ON overdue (due_at);

-- Every row of instance_logs up to `id` is terminal or stands in overdue. Deadlines run only while events are read and the
-- broker confirms; the one row is shared by all processes, so that a restart does not begin the wait again
-- (src/adapters/postgres/deadline-clock.ts).
CREATE TABLE overdue_cursor (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    id BIGINT NOT NULL DEFAULT 0,
    -- One of them is NULL: since when deadlines stand still, since when they run.
    blocked_since TIMESTAMPTZ,
    clear_since TIMESTAMPTZ,
    checked_at TIMESTAMPTZ
);
INSERT INTO overdue_cursor DEFAULT VALUES;

-- What each commit settled, by source and outcome; kept for an hour (docs/decisions/0018).
CREATE TABLE settle_marks (
    -- A table without a primary key refuses every DELETE once all tables are published for logical replication.
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    source VARCHAR(20) NOT NULL,
    status VARCHAR(20) NOT NULL,
    instances INTEGER NOT NULL,
    -- Of some of them, evenly chosen: milliseconds from the purchase.
    delays_ms INTEGER[] NOT NULL
);
CREATE INDEX settle_marks_at ON settle_marks (at);

-- One row for each purchase that ended without its instance: what it is owed, and whether that is done.
CREATE TABLE compensations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind VARCHAR(10) COLLATE "C" NOT NULL CHECK (kind IN ('RESTOCK', 'REFUND', 'NOTHING')),
    source VARCHAR(20) COLLATE "C" NOT NULL,
    source_id VARCHAR(64) COLLATE "C" NOT NULL,
    -- A second payment of an order has a compensation of its own, whose scope is its payment_key.
    scope TEXT COLLATE "C" NOT NULL DEFAULT '',
    product_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    -- NULL: paid, and there never was an instance.
    instance_id BIGINT,
    amount_cents BIGINT,
    reason TEXT NOT NULL,
    status VARCHAR(10) NOT NULL DEFAULT 'REQUESTED' CHECK (status IN ('REQUESTED', 'DONE')),
    outcome VARCHAR(10) CHECK (outcome IN ('RESTOCKED', 'NO_SALE', 'REFUNDED', 'NOTHING')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    done_at TIMESTAMPTZ,
    -- A refund: the payment that is returned. Its request is published until the refund is reported as done.
    payment_id TEXT COLLATE "C",
    message_id TEXT COLLATE "C",
    request BYTEA,
    requests INTEGER NOT NULL DEFAULT 1,
    next_request_at TIMESTAMPTZ,
    -- A unit that cannot be restocked waits alone, each time longer; 'infinity' while it is parked.
    restock_attempts INTEGER NOT NULL DEFAULT 0,
    restock_due_at TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    restock_error TEXT,
    UNIQUE (source, source_id, scope),
    CHECK ((status = 'DONE') = (done_at IS NOT NULL)),
    CHECK ((status = 'DONE') = (outcome IS NOT NULL))
);
CREATE INDEX compensations_open ON compensations (kind, id) WHERE status = 'REQUESTED';
CREATE INDEX compensations_instance ON compensations (instance_id);
CREATE INDEX compensations_next_request ON compensations (next_request_at)
    WHERE kind = 'REFUND' AND status = 'REQUESTED';
CREATE INDEX compensations_restock ON compensations (restock_due_at, id)
    WHERE kind = 'RESTOCK' AND status = 'REQUESTED';

----------------------------------------------------------------------------------------------------------------------------
-- Parked items
----------------------------------------------------------------------------------------------------------------------------

-- What no retry would cure, with the bytes that it came as, until an operator replays or discards it.
CREATE TABLE parked (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin VARCHAR(20) COLLATE "C" NOT NULL
        CHECK (origin IN ('STREAM', 'OUTBOX', 'RESULT', 'PAYMENT', 'COMPENSATION', 'DEAD_LETTER')),
    reason VARCHAR(40) NOT NULL,
    detail TEXT NOT NULL,
    source VARCHAR(20) COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    original BYTEA NOT NULL,
    parked_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    -- Of a message: its id and type, its kind in the outbox, and how many events it held.
    message_id TEXT NOT NULL DEFAULT '',
    message_type TEXT NOT NULL DEFAULT '',
    kind VARCHAR(10) NOT NULL DEFAULT '',
    events INTEGER NOT NULL DEFAULT 1,
    state VARCHAR(10) NOT NULL DEFAULT 'PARKED' CHECK (state IN ('PARKED', 'REPLAYED', 'DISCARDED')),
    attempts INTEGER NOT NULL DEFAULT 0,
    resolved_at TIMESTAMPTZ,
    resolved_by TEXT,
    resolution TEXT,
    instance_id BIGINT,
    UNIQUE (origin, source, scope, source_id),
    CONSTRAINT parked_resolved CHECK ((state = 'PARKED') = (resolved_at IS NULL))
);
CREATE INDEX parked_open ON parked (id) WHERE state = 'PARKED';
CREATE INDEX parked_scope ON parked (scope) WHERE origin = 'STREAM';
-- A timeline shows what was parked of its instance.
CREATE INDEX parked_instance ON parked (instance_id) WHERE instance_id IS NOT NULL;

----------------------------------------------------------------------------------------------------------------------------
-- Sales
----------------------------------------------------------------------------------------------------------------------------

-- The terms of the sales whose counters are in Redis. Redis can lose its latest writes: this is what it is rebuilt from.
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
    -- The highest number of a unit that Redis was seen to have sold; and how many units Redis had sold and lost before they
    -- became instances, until an operator acknowledges the loss.
    seen_nth BIGINT NOT NULL DEFAULT 0,
    lost BIGINT NOT NULL DEFAULT 0 CHECK (lost >= 0),
    lost_at TIMESTAMPTZ
);
CREATE INDEX sales_stream ON sales (stream, id);
CREATE INDEX sales_product ON sales (product_id, id);

-- One row for each unit that became an instance, written by the commit of the instance. `nth` counts the units that the sale
-- ever sold, `user_nth` those of the user. Redis counts both, so after it lost its latest writes it gives a number out again:
-- the second entry with that number makes no instance. This bounds the instances of a sale by its stock, and those of a user
-- by the limit, without a lock that purchases would share.
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

----------------------------------------------------------------------------------------------------------------------------
-- The audit
----------------------------------------------------------------------------------------------------------------------------

-- How far the audit has counted: what is behind it need not be counted again (src/ops/audit/audit.ts).
CREATE TABLE audit_checkpoint (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    -- Rows of instance_logs up to this id are in audit_counts.
    instance_log_id BIGINT NOT NULL DEFAULT 0,
    -- paid_orders counts the orders that were paid until this time.
    paid_until TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    paid_orders BIGINT NOT NULL DEFAULT 0,
    audited_at TIMESTAMPTZ
);
INSERT INTO audit_checkpoint DEFAULT VALUES;

-- Rows behind the checkpoint. PROCESSING are the overdue ones that it has passed; they stand in audit_open.
CREATE TABLE audit_counts (
    source VARCHAR(20) COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    known_order BOOLEAN NOT NULL,
    status VARCHAR(20) COLLATE "C" NOT NULL,
    rows BIGINT NOT NULL,
    PRIMARY KEY (source, scope, known_order, status)
);
CREATE TABLE audit_open (
    instance_id BIGINT PRIMARY KEY
);

-- Rows that archiving removed from instance_logs. They stay in audit_counts; a count from the beginning starts with them.
CREATE TABLE audit_archived (LIKE audit_counts INCLUDING ALL);

-- Discarded parked items that were removed since: they stay in the sums.
CREATE TABLE audit_discarded (
    origin VARCHAR(20) COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (origin, scope)
);

-- A stream that started over (deleted, Redis emptied) counts from zero again: what it had counted before.
CREATE TABLE audit_streams (
    stream TEXT COLLATE "C" PRIMARY KEY,
    added BIGINT NOT NULL,
    added_before BIGINT NOT NULL DEFAULT 0,
    -- Set until an operator acknowledges that the stream started over, with what is known to be lost.
    restarted_at TIMESTAMPTZ,
    lost BIGINT NOT NULL DEFAULT 0,
    -- The next audit takes the stream as it finds it.
    rebase BOOLEAN NOT NULL DEFAULT FALSE
);

-- Rows of instance_logs behind the checkpoint by the minute and the hour of their creation, for trends. Rows that it passed
-- PROCESSING stand here as such until they are settled.
CREATE TABLE counted_times (
    step VARCHAR(6) COLLATE "C" NOT NULL CHECK (step IN ('minute', 'hour')),
    starts_at TIMESTAMPTZ NOT NULL,
    source VARCHAR(20) COLLATE "C" NOT NULL,
    status VARCHAR(20) COLLATE "C" NOT NULL,
    rows BIGINT NOT NULL,
    PRIMARY KEY (step, starts_at, source, status)
);

-- What the last audit found, for processes that did not run it.
CREATE TABLE last_audit (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    audited_at TIMESTAMPTZ NOT NULL,
    ok BOOLEAN NOT NULL,
    exceptions INTEGER NOT NULL
);

----------------------------------------------------------------------------------------------------------------------------
-- The archive
----------------------------------------------------------------------------------------------------------------------------

-- What is kept of an archived instance: enough to answer a repeat of its purchase and a late result, and to refuse a second
-- instance. created_at, updated_at, status, reason and answered_at are those of the row that was removed.
CREATE TABLE archived_purchases (
    source VARCHAR(20) COLLATE "C" NOT NULL,
    source_id VARCHAR(64) COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    instance_id BIGINT NOT NULL UNIQUE,
    product_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    status VARCHAR(20) NOT NULL,
    reason TEXT,
    created_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ,
    answered_at TIMESTAMPTZ,
    PRIMARY KEY (source, source_id, scope)
);

-- Runs at the end of each insert, with a snapshot of its own: an insert that began before the archive's commit sees the
-- identities of that commit here. Raises the error of the table's own key, so both kinds of repeat take the same path.
-- LIMIT 1 inside a scalar subquery keeps the lookup an index probe; EXISTS could become a scan of the whole archive.
CREATE FUNCTION refuse_archived_purchase() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT TRUE FROM archived_purchases LIMIT 1) THEN
        PERFORM 1 FROM inserted_rows WHERE (
            SELECT TRUE FROM archived_purchases WHERE archived_purchases.source = inserted_rows.source
                AND archived_purchases.source_id = inserted_rows.source_id
                AND archived_purchases.scope = inserted_rows.scope LIMIT 1);
        IF FOUND THEN
            RAISE EXCEPTION 'the instance of this purchase is archived' USING ERRCODE = 'unique_violation',
                TABLE = 'instance_logs', CONSTRAINT = 'instance_logs_source_source_id_scope_key';
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER instance_logs_archived AFTER INSERT ON instance_logs REFERENCING NEW TABLE AS inserted_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_archived_purchase();

----------------------------------------------------------------------------------------------------------------------------
-- Operators and this installation
----------------------------------------------------------------------------------------------------------------------------

-- Who may use the operator API. Only the SHA-256 of a key is stored: the key is shown once, when it is created.
CREATE TABLE operator_keys (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name VARCHAR(64) COLLATE "C" NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$'),
    scope VARCHAR(8) NOT NULL CHECK (scope IN ('read', 'act', 'admin')),
    hash BYTEA NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    created_by VARCHAR(80) NOT NULL,
    expires_at TIMESTAMPTZ,
    -- To the minute or so: not every request writes.
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    revoked_by VARCHAR(80),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
-- A name stands in the records of what its key did, so no two keys in force share one.
CREATE UNIQUE INDEX operator_keys_name_in_force ON operator_keys (name) WHERE revoked_at IS NULL;

-- Sessions of the page. Only the SHA-256 of the cookie is stored. A session was opened with a key of the table, or with one of
-- the setting server.http.operatorKeys, which must not be guessable from here: proof is an HMAC of that key under the cookie.
CREATE TABLE operator_sessions (
    hash BYTEA PRIMARY KEY CHECK (octet_length(hash) = 32),
    key_id BIGINT REFERENCES operator_keys (id),
    proof BYTEA CHECK (octet_length(proof) = 32),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    expires_at TIMESTAMPTZ NOT NULL,
    CHECK ((key_id IS NULL) <> (proof IS NULL))
);
CREATE INDEX operator_sessions_expiry ON operator_sessions (expires_at);

-- Which Weir this is. Each store carries the id as well, so that a Weir that is configured with a store of another one refuses
-- to use it. Created by the first start, so that no two databases that were made from one template share it.
CREATE TABLE installation (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- The stores that this installation works with.
CREATE TABLE paired_stores (
    kind VARCHAR(10) COLLATE "C" PRIMARY KEY CHECK (kind IN ('REDIS', 'RABBITMQ')),
    -- Written into the store when the two were paired.
    store_id UUID NOT NULL,
    -- Without credentials.
    address TEXT NOT NULL,
    paired_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
