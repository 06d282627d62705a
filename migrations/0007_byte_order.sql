-- Keys in byte order. An index in a language's order is wrong from the moment the server's C library or ICU sorts
-- differently (a new operating system, a replica elsewhere), and a unique index that is wrong takes a key twice.
ALTER TABLE instance_logs
    ALTER COLUMN source TYPE VARCHAR(20) COLLATE "C",
    ALTER COLUMN source_id TYPE VARCHAR(64) COLLATE "C",
    ALTER COLUMN scope TYPE TEXT COLLATE "C";
ALTER TABLE orders
    ALTER COLUMN id TYPE VARCHAR(64) COLLATE "C",
    ALTER COLUMN idempotency_key TYPE VARCHAR(255) COLLATE "C";
ALTER TABLE parked
    ALTER COLUMN origin TYPE VARCHAR(20) COLLATE "C",
    ALTER COLUMN source TYPE VARCHAR(20) COLLATE "C",
    ALTER COLUMN scope TYPE TEXT COLLATE "C",
    ALTER COLUMN source_id TYPE TEXT COLLATE "C";
ALTER TABLE compensations
    ALTER COLUMN kind TYPE VARCHAR(10) COLLATE "C",
    ALTER COLUMN source TYPE VARCHAR(20) COLLATE "C",
    ALTER COLUMN source_id TYPE VARCHAR(64) COLLATE "C",
    ALTER COLUMN scope TYPE TEXT COLLATE "C";
ALTER TABLE instance_history
    ALTER COLUMN what TYPE VARCHAR(24) COLLATE "C",
    ALTER COLUMN detail TYPE TEXT COLLATE "C";
ALTER TABLE operator_keys ALTER COLUMN name TYPE VARCHAR(64) COLLATE "C";
ALTER TABLE published ALTER COLUMN kind TYPE VARCHAR(10) COLLATE "C";
ALTER TABLE audit_counts
    ALTER COLUMN source TYPE VARCHAR(20) COLLATE "C",
    ALTER COLUMN scope TYPE TEXT COLLATE "C",
    ALTER COLUMN status TYPE VARCHAR(20) COLLATE "C";
ALTER TABLE audit_archived
    ALTER COLUMN source TYPE VARCHAR(20) COLLATE "C",
    ALTER COLUMN scope TYPE TEXT COLLATE "C",
    ALTER COLUMN status TYPE VARCHAR(20) COLLATE "C";
ALTER TABLE audit_discarded
    ALTER COLUMN origin TYPE VARCHAR(20) COLLATE "C",
    ALTER COLUMN scope TYPE TEXT COLLATE "C";
ALTER TABLE audit_streams ALTER COLUMN stream TYPE TEXT COLLATE "C";
ALTER TABLE counted_times
    ALTER COLUMN step TYPE VARCHAR(6) COLLATE "C",
    ALTER COLUMN source TYPE VARCHAR(20) COLLATE "C",
    ALTER COLUMN status TYPE VARCHAR(20) COLLATE "C";
ALTER TABLE embedded_queue ALTER COLUMN queue TYPE TEXT COLLATE "C";
ALTER TABLE embedded_sales ALTER COLUMN stream TYPE TEXT COLLATE "C";
ALTER TABLE embedded_sale_buyers ALTER COLUMN stream TYPE TEXT COLLATE "C";
ALTER TABLE embedded_sale_keys
    ALTER COLUMN stream TYPE TEXT COLLATE "C",
    ALTER COLUMN idempotency_key TYPE VARCHAR(255) COLLATE "C";
ALTER TABLE embedded_sale_units
    ALTER COLUMN stream TYPE TEXT COLLATE "C",
    ALTER COLUMN entry_id TYPE VARCHAR(64) COLLATE "C";
ALTER TABLE embedded_streams ALTER COLUMN stream TYPE TEXT COLLATE "C";
ALTER TABLE embedded_tickets ALTER COLUMN stream TYPE TEXT COLLATE "C";

-- A table without a primary key refuses every DELETE as soon as somebody publishes all tables for logical replication.
ALTER TABLE settle_marks ADD COLUMN id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY;

-- In the schema of their table, whatever the search_path of who changes a product.
CREATE OR REPLACE FUNCTION keep_product_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I.product_versions (product_id, version, name, cpus, memory_mb, gpu, image)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING', TG_TABLE_SCHEMA)
        USING OLD.id, OLD.version, OLD.name, OLD.cpus, OLD.memory_mb, OLD.gpu, OLD.image;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION continue_product_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE newest INTEGER;
BEGIN
    EXECUTE format('SELECT max(version) FROM %I.product_versions WHERE product_id = $1', TG_TABLE_SCHEMA)
        INTO newest USING NEW.id;
    NEW.version := greatest(NEW.version, 1 + coalesce(newest, 0));
    RETURN NEW;
END $$;
