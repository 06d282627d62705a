import type { Database } from '../../lib/sql.ts';
import { type ActivityFilter, type ActivityRecord, actions, subjectOf } from '../../ops/activity/activity.ts';

interface Row extends Omit<ActivityRecord, 'subject'> {
  subjectKind: ActivityRecord['subject']['kind'];
  subjectId: string;
}

const columns = `id::text, at, actor, key_id::text AS "keyId", via, action, subject_kind AS "subjectKind",
  subject_id AS "subjectId", before, after, request_id AS "requestId"`;

/**
 * Newest first, below the record `cursor`. For one actor or one kind of subject the newest records of each
 * action are read from an index and merged: a filter that matches few records never reads many
 * (test/contract/activity-plans.test.ts).
 */
export async function listActivity(
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
    ...(subjectId === undefined ? [] : [`subject_id = ${add(subjectId)}`]),
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
  const isByAction = subjectId === undefined && !(isOfAll && actor === undefined);
  if (!isOfAll && !isByAction)
    conditions.push(`${unindexed('action')} = ANY (${add(toArray(wanted))}::text[])`);
  const select = (more: readonly string[]) =>
    `SELECT * FROM activity ${more.length > 0 ? `WHERE ${more.join(' AND ')}` : ''} ORDER BY at DESC, id DESC LIMIT $1`;
  const found = isByAction
    ? `unnest(${add(toArray(wanted))}::text[]) AS wanted (name)
       CROSS JOIN LATERAL (${select([...conditions, 'action = wanted.name'])}) AS found`
    : `(${select(conditions)}) AS found`;
  const rows = await database.transaction(async (sql) => {
    // Without fresh statistics the planner would read all records of an action and sort them.
    for (const scan of ['seqscan', 'bitmapscan']) await sql.query(`SET LOCAL enable_${scan} = off`);
    return sql.query<Row>(`SELECT ${columns} FROM ${found} ORDER BY at DESC, found.id DESC LIMIT $1`, values);
  });
  return rows.map(({ subjectKind: kind, subjectId: id, ...row }) => ({ ...row, subject: { kind, id } }));
}

/** Action names need no quotes. */
function toArray(names: readonly string[]): string {
  return `{${names.join(',')}}`;
}
