-- Which Weir this is. Each store carries the id as well, so that a Weir which is configured with a store of another one
-- refuses to use it. Created by the first start, so that no two databases that were made from one template share it.
CREATE TABLE installation (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- The stores that this installation works with.
CREATE TABLE paired_stores (
    kind VARCHAR(10) COLLATE "C" PRIMARY KEY CHECK (kind IN ('REDIS', 'RABBITMQ')),
    -- Written into the store when the two were paired.
    store_id UUID NOT NULL,
    -- Without credentials.
    address TEXT NOT NULL,
    paired_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
