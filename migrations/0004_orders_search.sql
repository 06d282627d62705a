-- Orders are listed newest first by any filter (src/adapters/postgres/list-orders.ts). A status is one of few, so that a list of
-- all of them merges one index range for each. COLLATE "C" also keeps these indexes from every statement that compares a status
-- as it is: the planner takes PENDING for rare, and would read all orders that were pending a moment ago to find one by its id.
CREATE INDEX orders_by_status ON orders (status COLLATE "C", created_at, id);
CREATE INDEX orders_by_product ON orders (product_id, status COLLATE "C", created_at, id);
CREATE INDEX orders_by_user ON orders (user_id, status COLLATE "C", created_at, id);
CREATE INDEX payments_by_payment ON payments (payment_id) WHERE payment_id IS NOT NULL;

-- When an order was cancelled or expired. A late payment moves it on, and updated_at with it. NULL also for older orders.
ALTER TABLE orders ADD COLUMN ended_at TIMESTAMPTZ;

-- The condition is the trigger's own, so that a payment costs no call.
CREATE FUNCTION note_order_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ended_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER orders_ended BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (NEW.status IN ('CANCELLED', 'EXPIRED') AND OLD.status = 'PENDING') EXECUTE FUNCTION note_order_end();

-- Parked items are counted by reason and origin, narrowed by any filter, from this index alone.
CREATE INDEX parked_groups ON parked (state COLLATE "C", reason COLLATE "C", origin, source, scope, parked_at);
