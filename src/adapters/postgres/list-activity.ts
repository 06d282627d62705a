import type { Database } from '../../lib/sql.ts';
import { type ActivityFilter, type ActivityRecord, actions, subjectOf } from '../../ops/activity/activity.ts';
import { planByIndex } from './plan-by-index.ts';

interface Row extends Omit<ActivityRecord, 'subject'> {
  subjectKind: ActivityRecord['subject']['kind'];
  subjectId: string;
}

const columns = `id::text, at, actor, key_id::text AS "keyId", via, action, subject_kind AS "subjectKind",
  subject_id AS "subjectId", before, after, request_id AS "requestId"`;

export function postgresActivityQueries(database: Database) {
  return {
    listActivity: (filter: ActivityFilter, limit: number, cursor: string | undefined) =>
      listActivity(database, filter, limit, cursor),
  };
}

/**
 * Newest first, below the record `cursor`. For one actor or one kind of subject the newest records of each
 * action are read from an index and merged: a filter that matches few records never reads many
 * (test/contract/activity-plans.test.ts). What a job did with a parked item is found by the id of the item.
 */
async function listActivity(
  database: Database,
  filter: ActivityFilter,
  limit: number,
  cursor: string | undefined,
): Promise<ActivityRecord[]> {
  const { actor, action, subject, subjectId, from, to } = filter;
  const values: unknown[] = [limit];
  const add = (value: unknown) => `$${values.push(value)}`;
  // `|| ''` keeps the planner from using an index with many more records than one subject has.
  const unindexed = (column: string) => (subjectId === undefined ? column : `(${column} || '')`);
  const conditions = [
    ...(actor === undefined ? [] : [`${unindexed('actor')} = ${add(actor)}`]),
    ...(from ? [`at >= ${add(from)}`] : []),
    ...(to ? [`at < ${add(to)}`] : []),
  ];
  if (cursor !== undefined) {
    const id = add(cursor);
    // If the record has been removed, so have all older ones: the page is empty.
    conditions.push(`(at, id) < ((SELECT at FROM activity WHERE id = ${id}), ${id}::bigint)`);
  }
  const wanted = actions.filter(
    (each) =>
      (action === undefined || each === action) && (subject === undefined || subjectOf[each] === subject),
  );
  const isOfAll = wanted.length === actions.length;
  const select = (source: string, more: readonly string[]) => {
    const all = [...conditions, ...more];
    return `SELECT * FROM ${source} ${all.length > 0 ? `WHERE ${all.join(' AND ')}` : ''} ORDER BY at DESC, id DESC LIMIT $1`;
  };
  const hasAction = (names: readonly string[]) =>
    `${unindexed('action')} = ANY (${add(toArray(names))}::text[])`;
  const selectFound = () => {
    if (subjectId === undefined) {
      if (isOfAll && actor === undefined) return `(${select('activity', [])}) AS found`;
      return `unnest(${add(toArray(wanted))}::text[]) AS wanted (name)
       CROSS JOIN LATERAL (${select('activity', ['action = wanted.name'])}) AS found`;
    }
    const id = add(subjectId);
    const own = select('activity', [`subject_id = ${id}`, ...(isOfAll ? [] : [hasAction(wanted)])]);
    if (!isItemId(subjectId) || (subject !== undefined && subject !== 'parked')) return `(${own}) AS found`;
    const ofJobs = jobActions.filter((each) => action === undefined || each === action);
    // Of the job with the same number `own` has all records.
    const others = subject === undefined ? [`subject_id <> ${id}`] : [];
    const more = select(`(${stepsOfItem(add(subjectId))}) AS steps`, [hasAction(ofJobs), ...others]);
    return `((${own}) UNION ALL (${more})) AS found`;
  };
  const found = selectFound();
  const rows = await database.transaction(async (sql) => {
    await planByIndex(sql);
    return sql.query<Row>(`SELECT ${columns} FROM ${found} ORDER BY at DESC, found.id DESC LIMIT $1`, values);
  });
  return rows.map(({ subjectKind: kind, subjectId: id, ...row }) => ({ ...row, subject: { kind, id } }));
}

const jobActions = ['PARKED_JOB_REPLAYED', 'PARKED_JOB_DISCARDED'] as const;

const isItemId = (text: string) => /^[1-9]\d{0,17}$/.test(text);

/** As in the index activity_job_items. */
const hull = `int8range(
    split_part(after->'items'->>0, '-', 1)::bigint, split_part(after->'items'->>-1, '-', -1)::bigint, '[]')`;

/** The steps of jobs whose items include this one. OFFSET 0: the index of the items finds the fewest records. */
const stepsOfItem = (id: string) => `SELECT * FROM activity
  WHERE subject_kind = 'job' AND after->'items' IS NOT NULL AND ${hull} @> ${id}::bigint
    AND EXISTS (SELECT 1 FROM jsonb_array_elements_text(after->'items') AS item
      WHERE ${id}::bigint BETWEEN split_part(item, '-', 1)::bigint AND split_part(item, '-', -1)::bigint)
  OFFSET 0`;

/** Action names need no quotes. */
function toArray(names: readonly string[]): string {
  return `{${names.join(',')}}`;
}
