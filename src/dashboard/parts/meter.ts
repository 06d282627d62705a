import { make, setAttributes, setText } from '../element.ts';

/** A share as a bar and as words. `<progress>` needs no style of its own from a script, which the CSP forbids in markup. */
export class Meter {
  readonly #bar = make('progress', { max: 1, value: 0 });
  readonly #text = make('span', { class: 'number' });
  readonly element: HTMLElement;

  constructor(label: string) {
    setAttributes(this.#bar, { 'aria-label': label });
    this.element = make('div', { class: 'meter' }, this.#bar, this.#text);
  }

  show(share: number, text: string): void {
    this.#bar.value = Math.min(1, Math.max(0, share));
    setText(this.#text, text);
  }
}
