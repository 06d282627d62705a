-- The admission of a sale on the embedded store; in Redis these stand in the sale's hash and beside it.
ALTER TABLE embedded_sales
    ADD COLUMN entry VARCHAR(10) NOT NULL DEFAULT 'open' CHECK (entry IN ('open', 'ticket')),
    -- The rate of the waiting room, visitors a second; NULL: there is none.
    ADD COLUMN admit_per_second DOUBLE PRECISION CHECK (admit_per_second > 0),
    ADD COLUMN ticket_secret TEXT NOT NULL DEFAULT '',
    -- When the next visitor is admitted, milliseconds since 1970.
    ADD COLUMN next_ms DOUBLE PRECISION NOT NULL DEFAULT 0,
    ADD COLUMN tickets BIGINT NOT NULL DEFAULT 0;
-- The order of purchase.
ALTER TABLE embedded_sale_units ADD COLUMN ordinal BIGINT GENERATED ALWAYS AS IDENTITY;
CREATE INDEX embedded_sale_units_order ON embedded_sale_units (stream, number, ordinal);
CREATE TABLE embedded_tickets (
    stream TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    unit INTEGER NOT NULL,
    admitted_at_ms BIGINT NOT NULL,
    PRIMARY KEY (stream, user_id, unit)
);
