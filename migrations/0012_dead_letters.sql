-- Messages that a queue of the broker dropped are parked.
ALTER TABLE parked DROP CONSTRAINT parked_origin_check;
ALTER TABLE parked ADD CONSTRAINT parked_origin_check
    CHECK (origin IN ('STREAM', 'OUTBOX', 'RESULT', 'PAYMENT', 'COMPENSATION', 'DEAD_LETTER'));
-- A timeline shows what was parked of its instance.
CREATE INDEX parked_instance ON parked (instance_id) WHERE instance_id IS NOT NULL;
