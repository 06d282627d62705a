import { make, setText } from '../element.ts';
import { formatCount } from '../format.ts';
import { say } from '../language.ts';

/** Which rows of a table are chosen, with a box for all of them. */
export class Selection {
  readonly #chosen = new Set<string>();
  readonly #boxes = new Map<string, HTMLInputElement>();
  readonly #all = make('input', { type: 'checkbox', id: 'select-all', onchange: () => this.#chooseAll() });
  readonly #count = make('span', { role: 'status' });
  readonly summary = make(
    'span',
    { class: 'selection' },
    make('label', {}, this.#all, ` ${say('parked.selectAll')}`),
    this.#count,
  );
  #offered: readonly string[] = [];

  /** The rows that are there now; what is gone is no longer chosen. */
  offer(ids: readonly string[]): void {
    this.#offered = ids;
    this.#boxes.clear();
    for (const id of this.#chosen) if (!ids.includes(id)) this.#chosen.delete(id);
    this.#tell();
  }

  makeBox(id: string, label: string): HTMLInputElement {
    const box = make('input', { type: 'checkbox', 'aria-label': label, checked: this.#chosen.has(id) });
    box.addEventListener('change', () => {
      if (box.checked) this.#chosen.add(id);
      else this.#chosen.delete(id);
      this.#tell();
    });
    this.#boxes.set(id, box);
    return box;
  }

  list(): string[] {
    return [...this.#chosen];
  }

  #chooseAll(): void {
    this.#chosen.clear();
    if (this.#all.checked) for (const id of this.#offered) this.#chosen.add(id);
    for (const [id, box] of this.#boxes) box.checked = this.#chosen.has(id);
    this.#tell();
  }

  #tell(): void {
    this.#all.disabled = this.#offered.length === 0;
    this.#all.checked = this.#offered.length > 0 && this.#chosen.size === this.#offered.length;
    this.#all.indeterminate = this.#chosen.size > 0 && !this.#all.checked;
    setText(this.#count, say('parked.selected', { count: formatCount(this.#chosen.size) }));
  }
}
