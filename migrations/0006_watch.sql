-- How many publications there had been, ever, at the time of a mark: two marks tell what was published between them.
ALTER TABLE outbox_marks ADD COLUMN published BIGINT;
INSERT INTO outbox_marks (at, waiting, waiting_since, published)
    SELECT now(), coalesce(sum(events), 0), min(created_at) FILTER (WHERE kind = 'CREATED'),
        (SELECT coalesce(sum(events), 0) FROM published WHERE kind IN ('CREATED', 'AGAIN'))
    FROM outbox ON CONFLICT DO NOTHING;

-- What each commit settled, by source and outcome; kept for an hour (docs/decisions/0018).
CREATE TABLE settle_marks (
    at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    source VARCHAR(20) NOT NULL,
    status VARCHAR(20) NOT NULL,
    instances INTEGER NOT NULL,
    -- Of some of them, evenly chosen: how many ms after their purchase.
    delays_ms INTEGER[] NOT NULL
);
CREATE INDEX settle_marks_at ON settle_marks (at);

-- What the last audit found, for processes that did not run it.
CREATE TABLE last_audit (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    audited_at TIMESTAMPTZ NOT NULL,
    ok BOOLEAN NOT NULL,
    exceptions INTEGER NOT NULL
);

-- Rows of instance_logs up to the audit's checkpoint by the minute and the hour of their creation: what is old and
-- terminal is counted once. Rows that the checkpoint has passed PROCESSING stand here as such until they are settled.
CREATE TABLE counted_times (
    step VARCHAR(6) NOT NULL CHECK (step IN ('minute', 'hour')),
    starts_at TIMESTAMPTZ NOT NULL,
    source VARCHAR(20) NOT NULL,
    status VARCHAR(20) NOT NULL,
    rows BIGINT NOT NULL,
    PRIMARY KEY (step, starts_at, source, status)
);
INSERT INTO counted_times
    SELECT step, date_trunc(step, created_at, 'UTC'), source, status, count(*)
    FROM instance_logs CROSS JOIN (VALUES ('minute'), ('hour')) AS steps (step)
    WHERE id <= (SELECT instance_log_id FROM audit_checkpoint)
      AND created_at IS NOT NULL
    GROUP BY 1, 2, 3, 4;

-- Who bought and what, for searches: which pages may hold a user's rows. Written once for some thousand rows, so a purchase
-- costs the same with it; an index of every row would cost a quarter more (docs/decisions/0017).
CREATE INDEX instance_logs_bought ON instance_logs USING brin (
    user_id int8_bloom_ops (n_distinct_per_range = 1200, false_positive_rate = 0.001),
    product_id int8_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.001)
) WITH (pages_per_range = 32, autosummarize = on);
