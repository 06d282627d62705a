-- The payments of an order that name themselves, or that could not become its instance; and what was done with each.
-- payment_key tells them apart: 'p:' and the paymentId, else 'w:' and the webhook-id, else '' (src/orders/payment.ts).
CREATE TABLE payments (
    order_id VARCHAR(64) COLLATE "C" NOT NULL,
    payment_key TEXT COLLATE "C" NOT NULL,
    payment_id TEXT COLLATE "C",
    webhook_id TEXT COLLATE "C",
    amount_cents BIGINT CHECK (amount_cents >= 0),
    paid_at TIMESTAMPTZ,
    recorded_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    -- INSTANCE: the order's instance was made for it. REFUND: it is returned, see compensations with refund_scope.
    outcome VARCHAR(10) NOT NULL CHECK (outcome IN ('INSTANCE', 'REFUND', 'PARKED', 'DISCARDED')),
    refund_scope TEXT COLLATE "C",
    PRIMARY KEY (order_id, payment_key),
    CHECK ((outcome = 'REFUND') = (refund_scope IS NOT NULL))
);

-- The payment that a refund returns, as the refund request names it. A second payment of an order has a compensation of
-- its own: its scope is the payment_key.
ALTER TABLE compensations ADD COLUMN payment_id TEXT COLLATE "C";

ALTER TABLE parked DROP CONSTRAINT parked_origin_check;
ALTER TABLE parked ADD CONSTRAINT parked_origin_check CHECK (origin IN ('STREAM', 'OUTBOX', 'RESULT', 'PAYMENT'));

-- What is kept of an archived instance: enough to answer a repeat of its purchase and a late result, and to refuse a
-- second instance. created_at, updated_at, status, reason and answered_at are those of the row that was removed.
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
-- identities of that commit here. Raises the error of the table's own key, so both kinds of repeat take the same way.
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
