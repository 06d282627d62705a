import { type ParkedFilter, parkedStates } from '../../core/parked/parked-item.ts';
import { textArray } from '../../lib/sql.ts';

/**
 * Items that wait for an operator, in a statement that reads many: only with the collation the index
 * parked_groups is used.
 */
export const isParked = `state COLLATE "C" = 'PARKED'`;

interface Groups {
  /** SQL WITH of the rows `groups`: each a state, origin and reason. */
  withGroups: string;
  /** The conditions that an item is of a group, but for its reason, and matches the filter. */
  isMatch: string;
}

/**
 * For everything that reads many parked items, by any filter; appends its values. Each group is one range of
 * the index parked_groups, in order of id; of one scope or source id there is an index too. There are few
 * groups: they are found one after the other, so that items of others are never read
 * (test/contract/parked-plans.test.ts).
 */
function findGroups(
  { state = 'PARKED', reason, origin, source, scope, sourceId }: ParkedFilter,
  values: unknown[],
): Groups {
  const add = (value: unknown) => `$${values.push(value)}`;
  const states = add(textArray(state === 'ALL' ? parkedStates : [state]));
  const ofIndex = [
    ...(scope === undefined ? [] : [`scope = ${add(scope)}`]),
    ...(sourceId === undefined ? [] : [`source_id = ${add(sourceId)}`]),
    'state COLLATE "C" =',
  ].join(' AND ');
  const isMatch = [
    `${ofIndex} groups.state AND origin = groups.origin`,
    ...(origin === undefined ? [] : [`groups.origin = ${add(origin)}`]),
    ...(reason === undefined ? [] : [`groups.reason COLLATE "C" = ${add(reason)}`]),
    ...(source === undefined ? [] : [`source = ${add(source)}`]),
  ].join(' AND ');
  const withGroups = `WITH RECURSIVE groups AS (
      SELECT next.* FROM unnest(${states}::text[]) AS wanted (state) CROSS JOIN LATERAL (
        SELECT state, origin, reason FROM parked WHERE ${ofIndex} wanted.state
        ORDER BY origin, reason COLLATE "C" LIMIT 1) AS next
      UNION ALL
      SELECT next.* FROM groups CROSS JOIN LATERAL (
        SELECT state, origin, reason FROM parked WHERE ${ofIndex} groups.state
          AND (origin, reason COLLATE "C") > (groups.origin, groups.reason)
        ORDER BY origin, reason COLLATE "C" LIMIT 1) AS next)`;
  return { withGroups, isMatch };
}

/** SQL of the items that match, counted by state, origin and reason; appends its values. */
export function selectParkedCounts(filter: ParkedFilter, values: unknown[]): string {
  const { withGroups, isMatch } = findGroups(filter, values);
  return `${withGroups} SELECT groups.reason, groups.origin, counted.* FROM groups CROSS JOIN LATERAL (
      SELECT count(*) AS count, min(parked_at) AS oldest FROM parked
      WHERE ${isMatch} AND reason COLLATE "C" = groups.reason) AS counted`;
}

export interface ParkedPage {
  order: 'ASC' | 'DESC';
  /** A parameter: the page begins after this id, in its order. */
  beyond: string;
  /** A parameter. */
  limit: string;
  /** A further condition, on columns of parked_groups. */
  where?: string;
}

/**
 * SQL of the first ids that match, in order; appends its values. Ordered by reason, of which a group has one:
 * for an order by id alone the planner would take the primary key, and read the items of every group.
 */
export function selectParkedIds(
  filter: ParkedFilter,
  values: unknown[],
  { order, beyond, limit, where = 'TRUE' }: ParkedPage,
): string {
  const { withGroups, isMatch } = findGroups(filter, values);
  const [isBeyond, isWithin] = order === 'ASC' ? ['>', '<='] : ['<', '>='];
  return `${withGroups} SELECT found.id FROM groups CROSS JOIN LATERAL (
      SELECT id FROM parked WHERE ${isMatch} AND reason COLLATE "C" ${isWithin} groups.reason
        AND (reason COLLATE "C", id) ${isBeyond} (groups.reason, ${beyond}::bigint) AND ${where}
      ORDER BY reason COLLATE "C" ${order}, id ${order} LIMIT ${limit}) AS found
    ORDER BY found.id ${order} LIMIT ${limit}`;
}
