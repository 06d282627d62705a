-- The terms of a sale beside its counters, for the embedded store; in Redis they stand in one hash.
ALTER TABLE embedded_sales
    ADD COLUMN number INTEGER NOT NULL DEFAULT 1,
    -- The stock that it was opened with; more may have been added since.
    ADD COLUMN opened_stock BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN per_user_limit INTEGER NOT NULL DEFAULT 1 CHECK (per_user_limit > 0),
    ADD COLUMN starts_at TIMESTAMPTZ,
    ADD COLUMN ends_at TIMESTAMPTZ,
    ADD COLUMN is_paused BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN has_ended BOOLEAN NOT NULL DEFAULT FALSE,
    ADD CONSTRAINT embedded_sales_sum CHECK (stock = sold + remaining + restocked);
-- Which sale of the stream's product a unit was sold in: one of an earlier sale changes no counter of the present one.
ALTER TABLE embedded_sale_units ADD COLUMN number INTEGER NOT NULL DEFAULT 1;
ALTER TABLE embedded_sale_buyers ADD COLUMN entry_id VARCHAR(64);
CREATE TABLE embedded_sale_keys (
    stream TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    idempotency_key VARCHAR(255) NOT NULL,
    entry_id VARCHAR(64) NOT NULL,
    PRIMARY KEY (stream, user_id, idempotency_key)
);
