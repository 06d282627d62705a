import { make, setText } from '../element.ts';

/** One figure with its name; the figure has room for its widest value, so nothing moves. */
export class Tile {
  readonly #value = make('p', { class: 'value' }, '–');
  readonly element: HTMLElement;

  constructor(title: string, unit: string) {
    this.element = make(
      'section',
      { class: 'tile', 'aria-label': title },
      make('p', { class: 'title' }, title),
      this.#value,
      make('p', { class: 'soft' }, unit),
    );
  }

  show(value: string): void {
    setText(this.#value, value);
  }
}
