-- Parked items are listed, counted and worked off by any filter from these indexes: each reason from one origin, also of one
-- scope or source id, is a range in order of id (src/adapters/postgres/parked-groups.ts). COLLATE "C" keeps them from the statements that change
-- one item.
DROP INDEX parked_groups;
CREATE INDEX parked_groups ON parked (state COLLATE "C", origin, reason COLLATE "C", id, source, scope, parked_at);
DROP INDEX parked_scope;
CREATE INDEX parked_scope ON parked (scope, state COLLATE "C", origin, reason COLLATE "C", id, source, parked_at);
CREATE INDEX parked_source_id ON parked (source_id, state COLLATE "C", origin, reason COLLATE "C", id);
DROP INDEX parked_open;
-- A count is read from an index alone only where vacuum has been: soon after many items were parked, not after a fifth more.
ALTER TABLE parked SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000);
-- Cleaning reads the items that were resolved longest ago.
CREATE INDEX parked_resolved ON parked (resolved_at) WHERE resolved_at IS NOT NULL;
