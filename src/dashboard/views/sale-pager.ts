import { make } from '../element.ts';
import { say } from '../language.ts';
import { cursorBefore } from '../live/find-sales.ts';
import { makeField } from '../parts/field.ts';
import { makePager } from '../parts/pager.ts';
import { writeRoute } from '../route.ts';

/** The ways to the other pages of sales; nothing while there is one page. */
export class SalePager {
  readonly element = make('div', { class: 'bulk' });
  readonly #cursor: string | undefined;
  #shownNext: string | undefined;

  constructor(cursor: string | undefined) {
    this.#cursor = cursor;
  }

  /** Rebuilt only when its content changes: a user may be typing in it. */
  show(nextCursor: string | undefined): void {
    if (this.element.hasChildNodes() && nextCursor === this.#shownNext) return;
    this.#shownNext = nextCursor;
    const isOnePage = this.#cursor === undefined && nextCursor === undefined;
    this.element.replaceChildren();
    if (isOnePage) return;
    this.element.append(
      makePager({
        first: this.#cursor && writeRoute('sales'),
        next: nextCursor && writeRoute('sales', undefined, { cursor: nextCursor }),
        nextLabel: say('pager.more'),
      }),
      makeJump(),
    );
  }
}

/** To the page that begins with a product. */
function makeJump(): HTMLElement {
  const product = make('input', {
    inputmode: 'numeric',
    pattern: '[1-9][0-9]{0,18}',
    required: true,
    class: 'short',
    id: 'from-product',
  });
  const form = make(
    'form',
    { class: 'filter' },
    makeField(say('sale.fromProduct'), product),
    make('p', { class: 'buttons' }, make('button', { type: 'submit' }, say('action.show'))),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = writeRoute('sales', undefined, { cursor: cursorBefore(product.value) });
  });
  return form;
}
