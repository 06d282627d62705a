-- A step of a job over parked items leaves one record, which names the items as ranges in order of id. By this index the
-- records of one item are found among millions (src/adapters/postgres/list-activity.ts).
CREATE INDEX activity_job_items ON activity USING gist (int8range(
    split_part(after->'items'->>0, '-', 1)::bigint, split_part(after->'items'->>-1, '-', -1)::bigint, '[]'))
    WHERE subject_kind = 'job' AND after->'items' IS NOT NULL;
