const oldWords =
  /\b(told|tells?|nobody|whoever|somebody|beside|anew|nought|dear|law|announce[ds]?|gave? back|till|desk)\b/i;
const firstVerbs = new RegExp(
  `^(?:${[
    'is|are|has|have|was|does|may|can|cannot|must|answers|names|says|say|shows|finds|refuses|takes|gets|keeps',
    'contains|makes?|begins?|runs?|sets?|stops|ends?|goes|reaches|touches|links|depends|continues|nor|none',
  ].join('|')})\\b`,
);
const longest = 80;

/** The rules for titles of tests (CONTRIBUTING.md) that a program can check. @returns what is wrong, if anything */
export function findTitleFault(title: string): string | undefined {
  if (title.length > longest) return `is ${title.length} characters long, above ${longest}`;
  const [word] = oldWords.exec(title) ?? [];
  if (word !== undefined) return `contains "${word}", which the glossary replaces`;
  return undefined;
}

/** A title of a test states its subject, and is readable without the describe above it. */
export function lacksSubject(title: string): boolean {
  return firstVerbs.test(title);
}
