import { make, setText } from '../element.ts';

const unknown = '–';

/** One figure with its name and what it is of; the figure has room for its widest value, so nothing moves. */
export class Tile {
  readonly #value = make('p', { class: 'value' }, unknown);
  readonly #hint: HTMLElement;
  readonly element: HTMLElement;

  constructor(title: string, hint: string) {
    this.#hint = make('p', { class: 'soft' }, hint);
    this.element = make(
      'section',
      { class: 'tile', 'aria-label': title },
      make('p', { class: 'title' }, title),
      this.#value,
      this.#hint,
    );
  }

  show(value: string, isBad = false): void {
    setText(this.#value, value);
    this.#value.classList.toggle('bad', isBad);
  }

  /** Unknown at this moment. */
  forget(): void {
    this.show(unknown);
  }

  hint(text: string): void {
    setText(this.#hint, text);
  }
}
