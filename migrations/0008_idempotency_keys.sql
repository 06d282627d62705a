-- Cleaning reads the oldest orders that still have a key, and none of those that have none.
CREATE INDEX orders_with_key ON orders (created_at) WHERE idempotency_key IS NOT NULL;
