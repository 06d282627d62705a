import type { Sale } from '../../api/answers.ts';
import { call } from '../api.ts';
import { make } from '../element.ts';
import { say } from '../language.ts';
import { cursorBefore, findSales } from '../live/find-sales.ts';
import { poll } from '../live/poll.ts';
import { explainScope } from '../parts/action.ts';
import { Notice } from '../parts/notice.ts';
import { writeRoute } from '../route.ts';
import { ProductList } from './product-list.ts';
import { SaleCard } from './sale-card.ts';
import { makeSaleForm } from './sale-form.ts';
import { SalePager } from './sale-pager.ts';
import type { View } from './view.ts';

const askAgainMs = 2_000;

/** A page of sales and their stock, what an operator does during one, and what is sold at all. */
export const showSales: View = async (place, { query }, signal) => {
  const notice = new Notice();
  const list = make('div', { class: 'cards' });
  const empty = make('p', { class: 'empty', hidden: true }, say('sales.none'));
  const cards = new Map<string, SaleCard>();
  const cursor = query.get('cursor') ?? undefined;
  const pager = new SalePager(cursor);
  const choices = make('datalist', { id: 'products' });
  const products = new ProductList((all) =>
    choices.replaceChildren(
      ...all
        .filter(({ enabled }) => enabled)
        .map(({ id, name }) => make('option', { value: id }, `${id} · ${name}`)),
    ),
  );

  /** A card that stays is not moved: the focus and the pointer may be on it. */
  const show = (sales: readonly Sale[]) => {
    empty.hidden = sales.length > 0;
    const shown = new Set(sales.map(({ productId }) => productId));
    for (const [productId, card] of cards) {
      if (shown.has(productId)) continue;
      card.element.remove();
      cards.delete(productId);
    }
    sales.forEach((sale, i) => {
      let card = cards.get(sale.productId);
      if (!card) {
        card = new SaleCard(products.nameOf(sale.productId), change);
        cards.set(sale.productId, card);
        list.insertBefore(card.element, list.children[i] ?? null);
      }
      card.show(sale);
    });
  };
  const refresh = async () => {
    const { items, nextCursor } = await findSales(cursor, signal);
    show(items);
    pager.show(nextCursor ?? undefined);
  };
  const change = async (productId: string, body: object) => {
    await call('PATCH', `sales/${productId}`, { body });
    await refresh();
  };
  /** It may stand on another page. */
  const onOpened = async (productId: string) => {
    await refresh();
    if (cards.has(productId)) return undefined;
    const href = writeRoute('sales', undefined, { cursor: cursorBefore(productId) });
    return make('a', { href }, say('sale.showIt'));
  };
  place.append(
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('sales.title'))),
    notice.element,
    list,
    empty,
    pager.element,
    explainScope('admin') ?? makeSaleForm(choices, onOpened),
    products.element,
  );
  try {
    await products.loadMore(signal);
    await refresh();
  } catch (error) {
    if (!signal.aborted) notice.fail(error);
  }
  const again = async () => {
    await refresh();
    notice.clear();
    return undefined;
  };
  poll(askAgainMs, again, (error) => notice.fail(error), signal);
};
