import type { Page, Product } from '../../api/answers.ts';
import { get } from '../api.ts';
import { make } from '../element.ts';
import { say } from '../language.ts';
import { makeAction } from '../parts/action.ts';
import { makeBadge } from '../parts/badge.ts';
import { Notice } from '../parts/notice.ts';
import { Table } from '../parts/table.ts';
import { switchProduct } from './switch-product.ts';

const perPage = 500;

/** What is sold at all, each with its switch. Calls `onChange` with the products whenever they change. */
export class ProductList {
  readonly element: HTMLElement;
  readonly #onChange: (products: readonly Product[]) => void;
  readonly #products = new Map<string, Product>();
  readonly #notice = new Notice();
  readonly #table = this.#makeTable();
  readonly #more = makeAction({
    label: say('product.more'),
    scope: 'read',
    notice: this.#notice,
    act: () => this.loadMore(),
  });
  #nextCursor: string | undefined;

  constructor(onChange: (products: readonly Product[]) => void) {
    this.#onChange = onChange;
    this.#more.hidden = true;
    this.element = make(
      'section',
      { class: 'panel products' },
      make('h2', {}, say('product.title')),
      this.#table.element,
      make('p', { class: 'buttons' }, this.#more),
      this.#notice.element,
    );
  }

  nameOf(productId: string): string | undefined {
    return this.#products.get(productId)?.name;
  }

  /** The first page, then one more each time. */
  async loadMore(signal?: AbortSignal): Promise<void> {
    const query = { cursor: this.#nextCursor, limit: perPage };
    const { items, nextCursor } = await get<Page<Product>>('products', query, signal);
    for (const product of items) this.#products.set(product.id, product);
    this.#nextCursor = nextCursor ?? undefined;
    this.#more.hidden = nextCursor === null;
    this.#show();
  }

  #show(): void {
    const all = [...this.#products.values()];
    this.#table.show(all);
    this.#onChange(all);
  }

  #makeTable(): Table<Product> {
    return new Table<Product>(
      say('product.title'),
      [
        { title: say('instance.product'), isHead: true, cell: ({ id, name }) => `${id} · ${name}` },
        {
          title: say('instance.status'),
          cell: ({ enabled }) => makeBadge(enabled ? 'ENABLED' : 'DISABLED'),
        },
        { title: say('product.switch'), cell: (product) => this.#makeSwitch(product) },
      ],
      say('product.none'),
    );
  }

  #makeSwitch({ id, name, enabled }: Product): HTMLElement {
    return makeAction({
      label: say(enabled ? 'product.disable' : 'product.enable'),
      about: `${id} ${name}`,
      kind: enabled ? 'danger' : 'plain',
      id: `switch-${id}`,
      scope: 'admin',
      notice: this.#notice,
      act: async () => {
        const switched = await switchProduct(id, !enabled);
        if (!switched) return;
        this.#products.set(id, switched);
        this.#show();
        document.getElementById(`switch-${id}`)?.focus();
        this.#notice.say(say(enabled ? 'product.disabled' : 'product.enabled', { productId: id }));
      },
    });
  }
}
