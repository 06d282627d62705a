-- Deadlines run only while the way to an answer is clear: events are read, the broker confirms. The one row is shared by
-- all processes, so that a restart does not begin the wait again (src/postgres/deadline-clock.ts).
ALTER TABLE overdue_cursor
    -- NULL while the way is clear.
    ADD COLUMN blocked_since TIMESTAMPTZ,
    -- NULL while it is blocked.
    ADD COLUMN clear_since TIMESTAMPTZ,
    ADD COLUMN checked_at TIMESTAMPTZ;

-- A refund request is sent until it is reported as done: its message, how often it was sent, and when it is due again.
ALTER TABLE compensations
    ADD COLUMN message_id TEXT COLLATE "C",
    ADD COLUMN request BYTEA,
    ADD COLUMN requests INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN next_request_at TIMESTAMPTZ;
UPDATE compensations SET next_request_at = now() WHERE kind = 'REFUND' AND status = 'REQUESTED';
CREATE INDEX compensations_next_request ON compensations (next_request_at)
    WHERE kind = 'REFUND' AND status = 'REQUESTED';

ALTER TABLE instance_history DROP CONSTRAINT instance_history_what_check;
ALTER TABLE instance_history ADD CONSTRAINT instance_history_what_check CHECK (what IN ('REPUBLISHED', 'RESULT_LATE',
    'RESULT_CONFLICT', 'RELEASE_REQUESTED', 'RELEASE_REQUESTED_AGAIN', 'REFUND_REQUESTED_AGAIN'));
-- The same odd result is recorded once; what is sent again is recorded each time.
DROP INDEX instance_history_once;
CREATE UNIQUE INDEX instance_history_once ON instance_history (instance_id, what, md5(detail))
    WHERE what NOT IN ('REPUBLISHED', 'RELEASE_REQUESTED_AGAIN', 'REFUND_REQUESTED_AGAIN');

-- Claims that broke off while the batch was lent: the transport's fault, not a refusal of the batch (attempts).
ALTER TABLE outbox ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
