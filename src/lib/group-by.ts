/** Items by group, in order; like Map.groupBy, which Node 20 lacks. */
export function groupBy<T, Group>(items: readonly T[], groupOf: (item: T) => Group): Map<Group, T[]> {
  const groups = new Map<Group, T[]>();
  for (const item of items) {
    const name = groupOf(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}
