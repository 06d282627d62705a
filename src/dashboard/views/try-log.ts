import { type Child, make } from '../element.ts';
import { say } from '../language.ts';

const keptLines = 20;

/** What was tried and what became of it, the newest first. */
export class TryLog {
  readonly #list = make('ol', { class: 'log' });
  readonly #empty = make('p', { class: 'empty' }, say('try.nothingYet'));
  readonly element = make('div', { role: 'log', 'aria-label': say('try.log') }, this.#empty, this.#list);

  /** @returns the text of its state */
  begin(what: string): (state: Child, ...more: Child[]) => void {
    this.#empty.hidden = true;
    let state = make('span', { class: 'outcome' });
    this.#list.prepend(make('li', {}, make('span', { class: 'what' }, what), state));
    while (this.#list.children.length > keptLines) this.#list.lastElementChild?.remove();
    return (first, ...more) => {
      const next = make('span', { class: 'outcome' }, first, ...more);
      state.replaceWith(next);
      state = next;
    };
  }
}
