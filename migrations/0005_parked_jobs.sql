-- Replays and discards of every parked item that a filter matches, step by step (src/core/parked/parked-job-runner.ts).
CREATE TABLE parked_jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action VARCHAR(10) COLLATE "C" NOT NULL CHECK (action IN ('replay', 'discard')),
    -- The fields of the filter, as GET /v1/parked has them.
    filter JSONB NOT NULL,
    note TEXT,
    state VARCHAR(10) COLLATE "C" NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'DONE', 'ABORTED')),
    -- Items that are parked later are not touched: neither new ones, whose id is above last_item, nor ones parked again.
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_item BIGINT NOT NULL,
    -- The operator, as in activity.
    actor TEXT NOT NULL,
    key_id BIGINT,
    via VARCHAR(4) NOT NULL,
    request_id TEXT,
    -- NULL until it is counted.
    matched BIGINT,
    -- Every item up to after_item has been handled; done and failed count those.
    after_item BIGINT NOT NULL DEFAULT 0,
    done BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    ended_at TIMESTAMPTZ,
    -- Who aborted it.
    ended_by TEXT,
    -- One process at a time runs a step: the one whose epoch is the row's. A lease that has expired is taken over.
    epoch BIGINT NOT NULL DEFAULT 0,
    leased_until TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
    -- Jobs take turns: the next step is that of the job whose last step is the longest ago.
    stepped_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    CHECK ((state = 'RUNNING') = (ended_at IS NULL))
);
CREATE INDEX parked_jobs_running ON parked_jobs (stepped_at, id) WHERE state = 'RUNNING';
CREATE INDEX parked_jobs_state ON parked_jobs (state, id);

-- What a job did with an item, written in the commit of the item. Those that succeeded (code NULL) go when their step is counted
-- and named in the activity log; those that failed stay until the job is removed.
CREATE TABLE parked_job_items (
    job_id BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    code VARCHAR(40) COLLATE "C",
    params JSONB NOT NULL DEFAULT '{}',
    detail TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, item_id)
);

-- The job that resolved the item, if one did.
ALTER TABLE parked ADD COLUMN job_id BIGINT;
