import { type Child, make } from '../element.ts';

/** Names and values in two columns. A value that is undefined leaves its name out. */
export function makeFacts(facts: readonly (readonly [name: string, value: Child])[]): HTMLElement {
  const rows = facts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value)));
  return make('dl', { class: 'facts' }, ...rows);
}
