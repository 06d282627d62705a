-- Parked items are listed, counted and worked off by any filter from this index: each reason from one origin is a range in order
-- of id (src/adapters/postgres/parked-groups.ts). COLLATE "C" keeps it from the statements that change one item.
DROP INDEX parked_groups;
CREATE INDEX parked_groups ON parked (state COLLATE "C", origin, reason COLLATE "C", id, source, scope, parked_at);
DROP INDEX parked_open;
