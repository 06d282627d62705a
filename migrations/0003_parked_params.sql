-- The values of the sentence that page and command line make of a parked item's reason, and of how it was resolved, which
-- is a code from now on (src/api/sentences.ts); `detail` stays what people read in psql and in the log.
ALTER TABLE parked ADD COLUMN params JSONB NOT NULL DEFAULT '{}';
ALTER TABLE parked ADD COLUMN resolution_params JSONB;
