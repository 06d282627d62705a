-- The activity log: who changed what, written in the commit of the change (docs/decisions/0023). No key, hash or other secret
-- stands in it.
CREATE TABLE activity (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    -- The name of the key; of a local command the user of the operating system.
    actor TEXT COLLATE "C" NOT NULL,
    -- NULL: a key of the settings, no key at all, or a local command.
    key_id BIGINT,
    via VARCHAR(4) NOT NULL CHECK (via IN ('http', 'cli')),
    request_id TEXT,
    action VARCHAR(40) COLLATE "C" NOT NULL CHECK (action ~ '^[A-Z][A-Z_]*$'),
    subject_kind VARCHAR(20) COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    -- The fields that changed, and no others.
    before JSONB,
    after JSONB
);
-- Each filter is read newest first from one of these (src/adapters/postgres/list-activity.ts).
CREATE INDEX activity_at ON activity (at, id);
CREATE INDEX activity_action ON activity (action, at, id);
CREATE INDEX activity_actor ON activity (actor, action, at, id);
CREATE INDEX activity_subject ON activity (subject_id, at, id);

-- A record is never changed, and removed by retention alone: in a transaction that names the bound, and never within 30 days.
CREATE FUNCTION refuse_activity_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < nullif(current_setting('weir.remove_activity_before', TRUE), '')::timestamptz
            AND OLD.at < now() - interval '30 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the activity log is append-only: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER activity_kept BEFORE UPDATE OR DELETE ON activity
    FOR EACH ROW EXECUTE FUNCTION refuse_activity_change();
CREATE TRIGGER activity_not_truncated BEFORE TRUNCATE ON activity
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_activity_change();
