-- A unit that cannot be put back to its sale waits alone, each time longer; 'infinity' while it is parked.
ALTER TABLE compensations
    ADD COLUMN restock_attempts INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN restock_due_at TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    ADD COLUMN restock_error TEXT;
CREATE INDEX compensations_restock ON compensations (restock_due_at, id)
    WHERE kind = 'RESTOCK' AND status = 'REQUESTED';

ALTER TABLE parked DROP CONSTRAINT parked_origin_check;
ALTER TABLE parked ADD CONSTRAINT parked_origin_check
    CHECK (origin IN ('STREAM', 'OUTBOX', 'RESULT', 'PAYMENT', 'COMPENSATION'));
