-- What makes the event again, byte for byte, when it must be published once more; and what became of the instance.
ALTER TABLE instance_logs
    ADD COLUMN product_version INTEGER,
    ADD COLUMN event_at TIMESTAMPTZ,
    ADD COLUMN reason TEXT,
    ADD COLUMN answered_at TIMESTAMPTZ;
-- Every row is updated once, when it is settled: with room on its page no index is touched (docs/decisions/0011).
ALTER TABLE instance_logs SET (fillfactor = 50);
-- Without it the youngest pages, which are asked for most, are read in full until the next vacuum.
ALTER INDEX instance_logs_created_at SET (autosummarize = on);

-- The last word on what may follow what; the conditions are the triggers' own, so that a legal move costs no call.
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

-- A product as it was in each of its earlier versions.
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
CREATE FUNCTION keep_product_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO product_versions (product_id, version, name, cpus, memory_mb, gpu, image)
    VALUES (OLD.id, OLD.version, OLD.name, OLD.cpus, OLD.memory_mb, OLD.gpu, OLD.image) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- A product that was deleted and made again goes on counting: a version never means two things.
CREATE FUNCTION continue_product_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := greatest(NEW.version, 1 + coalesce(
        (SELECT max(version) FROM product_versions WHERE product_id = NEW.id), 0));
    RETURN NEW;
END $$;
CREATE TRIGGER products_continued BEFORE INSERT ON products
    FOR EACH ROW EXECUTE FUNCTION continue_product_version();
CREATE TRIGGER products_kept AFTER UPDATE OR DELETE ON products
    FOR EACH ROW EXECUTE FUNCTION keep_product_version();

-- NULL: never. Orders made before this column stay payable for ever.
ALTER TABLE orders ADD COLUMN expires_at TIMESTAMPTZ;
CREATE INDEX orders_expiring ON orders (expires_at) WHERE status = 'PENDING' AND expires_at IS NOT NULL;
CREATE INDEX orders_paid_at ON orders USING brin (paid_at) WITH (pages_per_range = 32);

-- CREATED: the first publication of instances. AGAIN: of some that nobody answered for. RELEASE, REFUND: requests.
ALTER TABLE outbox ADD COLUMN kind VARCHAR(10) NOT NULL DEFAULT 'CREATED'
    CHECK (kind IN ('CREATED', 'AGAIN', 'RELEASE', 'REFUND'));

-- How many messages have left the outbox as confirmed. Counted in the commit that deletes their batches, so the audit's
-- sums hold at any time; each relay lane has a row of its own, so that none waits for another.
CREATE TABLE published (
    kind VARCHAR(10) NOT NULL,
    lane SMALLINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (kind, lane)
);
ALTER TABLE published SET (fillfactor = 50);
INSERT INTO published SELECT 'CREATED', 0, (SELECT count(*) FROM instance_logs)
    - (SELECT coalesce(sum(events), 0) FROM outbox) - (SELECT count(*) FROM parked WHERE reason = 'MESSAGE_REFUSED');

-- About once a second while anything moves: how old the oldest waiting batch was. Tells when an instance was published
-- without a write for each.
CREATE TABLE outbox_marks (
    at TIMESTAMPTZ PRIMARY KEY,
    waiting BIGINT NOT NULL,
    waiting_since TIMESTAMPTZ
);

-- One row for each purchase that ended without its instance: what is owed for it, and whether that has been done.
CREATE TABLE compensations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('RESTOCK', 'REFUND', 'NOTHING')),
    source VARCHAR(20) NOT NULL,
    source_id VARCHAR(64) NOT NULL,
    scope TEXT NOT NULL DEFAULT '',
    product_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    -- NULL: paid, but there was never an instance.
    instance_id BIGINT,
    amount_cents BIGINT,
    reason TEXT NOT NULL,
    status VARCHAR(10) NOT NULL DEFAULT 'REQUESTED' CHECK (status IN ('REQUESTED', 'DONE')),
    outcome VARCHAR(10) CHECK (outcome IN ('RESTOCKED', 'NO_SALE', 'REFUNDED', 'NOTHING')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    done_at TIMESTAMPTZ,
    UNIQUE (source, source_id, scope),
    CHECK ((status = 'DONE') = (done_at IS NOT NULL)),
    CHECK ((status = 'DONE') = (outcome IS NOT NULL))
);
CREATE INDEX compensations_open ON compensations (kind, id) WHERE status = 'REQUESTED';
CREATE INDEX compensations_instance ON compensations (instance_id);

-- What happened to an instance beside the ordinary; the ordinary is read off its row.
CREATE TABLE instance_history (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    what VARCHAR(24) NOT NULL CHECK (what IN
        ('REPUBLISHED', 'RESULT_LATE', 'RESULT_CONFLICT', 'RELEASE_REQUESTED')),
    detail TEXT NOT NULL,
    actor TEXT NOT NULL
);
CREATE INDEX instance_history_instance ON instance_history (instance_id, id);
-- The same odd result is recorded once, and a release asked for once.
CREATE UNIQUE INDEX instance_history_once ON instance_history (instance_id, what, md5(detail))
    WHERE what <> 'REPUBLISHED';
CREATE UNIQUE INDEX instance_history_release ON instance_history (instance_id) WHERE what = 'RELEASE_REQUESTED';

-- Instances that have gone past their deadline without a result.
CREATE TABLE overdue (
    instance_id BIGINT PRIMARY KEY,
    publications INTEGER NOT NULL DEFAULT 1,
    due_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX overdue_due_at ON overdue (due_at);
-- Every row of instance_logs up to here is terminal or stands in overdue.
CREATE TABLE overdue_cursor (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    id BIGINT NOT NULL DEFAULT 0
);
INSERT INTO overdue_cursor DEFAULT VALUES;

ALTER TABLE parked DROP CONSTRAINT parked_origin_check;
ALTER TABLE parked
    ADD CONSTRAINT parked_origin_check CHECK (origin IN ('STREAM', 'OUTBOX', 'RESULT')),
    -- Of OUTBOX: what the message was called and what it was.
    ADD COLUMN message_id TEXT NOT NULL DEFAULT '',
    ADD COLUMN message_type TEXT NOT NULL DEFAULT '',
    ADD COLUMN kind VARCHAR(10) NOT NULL DEFAULT '',
    ADD COLUMN events INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN state VARCHAR(10) NOT NULL DEFAULT 'PARKED' CHECK (state IN ('PARKED', 'REPLAYED', 'DISCARDED')),
    ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN resolved_at TIMESTAMPTZ,
    ADD COLUMN resolved_by TEXT,
    ADD COLUMN resolution TEXT,
    ADD COLUMN instance_id BIGINT,
    ADD CONSTRAINT parked_resolved CHECK ((state = 'PARKED') = (resolved_at IS NULL));
UPDATE parked SET kind = 'CREATED', message_type = 'INSTANCE_CREATED',
    message_id = coalesce(substring(detail FROM '^message ([0-9]+):'), '') WHERE origin = 'OUTBOX';
CREATE INDEX parked_open ON parked (id) WHERE state = 'PARKED';
CREATE INDEX parked_scope ON parked (scope) WHERE origin = 'STREAM';

-- The audit's book: what it has counted and need not count again (src/audit/audit.ts).
CREATE TABLE audit_checkpoint (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    -- Rows of instance_logs up to this id are in audit_counts.
    instance_log_id BIGINT NOT NULL DEFAULT 0,
    -- Orders paid up to this time are in audit_orders.
    paid_until TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    paid_orders BIGINT NOT NULL DEFAULT 0,
    audited_at TIMESTAMPTZ
);
INSERT INTO audit_checkpoint DEFAULT VALUES;
-- PROCESSING are the overdue ones that the checkpoint has passed; they stand in audit_open.
CREATE TABLE audit_counts (
    source VARCHAR(20) NOT NULL,
    scope TEXT NOT NULL,
    known_order BOOLEAN NOT NULL,
    status VARCHAR(20) NOT NULL,
    rows BIGINT NOT NULL,
    PRIMARY KEY (source, scope, known_order, status)
);
CREATE TABLE audit_open (
    instance_id BIGINT PRIMARY KEY
);
-- Rows taken out of instance_logs by archiving. They stay in audit_counts; a count from the beginning starts with them.
CREATE TABLE audit_archived (LIKE audit_counts INCLUDING ALL);
-- Discarded parked items that have been removed since: they stay in the sums.
CREATE TABLE audit_discarded (
    origin VARCHAR(20) NOT NULL,
    scope TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (origin, scope)
);
-- A stream that began anew (deleted, Redis emptied) counts from nothing again: what it had counted before.
CREATE TABLE audit_streams (
    stream TEXT PRIMARY KEY,
    added BIGINT NOT NULL,
    added_before BIGINT NOT NULL DEFAULT 0,
    -- Set while the stream's new beginning waits for an operator to take note of it, with what is known to be lost.
    anew_at TIMESTAMPTZ,
    lost BIGINT NOT NULL DEFAULT 0,
    -- The next audit takes the stream as it finds it.
    rebase BOOLEAN NOT NULL DEFAULT FALSE
);

-- The embedded stand-in for a sale's counters in Redis (src/redis/sale-counters.ts).
CREATE TABLE embedded_sales (
    stream TEXT PRIMARY KEY,
    stock BIGINT NOT NULL CHECK (stock >= 0),
    remaining BIGINT NOT NULL CHECK (remaining >= 0),
    sold BIGINT NOT NULL DEFAULT 0 CHECK (sold >= 0),
    -- Of the units restocked those that wait to be sold again, and all of them ever.
    restocked BIGINT NOT NULL DEFAULT 0 CHECK (restocked >= 0),
    returned BIGINT NOT NULL DEFAULT 0 CHECK (returned >= 0)
);
CREATE TABLE embedded_sale_units (
    stream TEXT NOT NULL,
    entry_id VARCHAR(64) NOT NULL,
    user_id BIGINT NOT NULL,
    restocked BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (stream, entry_id)
);
CREATE TABLE embedded_sale_buyers (
    stream TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    bought INTEGER NOT NULL CHECK (bought >= 0),
    PRIMARY KEY (stream, user_id)
);
-- Entries ever added to each embedded stream, as Redis counts them.
CREATE TABLE embedded_streams (
    stream TEXT PRIMARY KEY,
    added BIGINT NOT NULL
);
INSERT INTO embedded_streams SELECT stream, count(*) FROM (
    SELECT stream, entry_id FROM embedded_stream
    UNION SELECT scope, source_id FROM instance_logs WHERE source = 'SECKILL'
    UNION SELECT scope, source_id FROM parked WHERE origin = 'STREAM') AS entries GROUP BY stream;
CREATE INDEX embedded_queue_order ON embedded_queue (queue, id);
