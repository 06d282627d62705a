import type { Page, Product, Sale } from '../answers.ts';
import { call, get } from '../api.ts';
import { make } from '../element.ts';
import { say } from '../language.ts';
import { findSales } from '../live/find-sales.ts';
import { poll } from '../live/poll.ts';
import { explainScope } from '../parts/action.ts';
import { Notice } from '../parts/notice.ts';
import { SaleCard } from './sale-card.ts';
import { makeSaleForm } from './sale-form.ts';
import type { View } from './view.ts';

const askAgainMs = 2_000;

/** Every sale and its stock, and what an operator does during one. */
export const showSales: View = async (place, _, signal) => {
  const notice = new Notice();
  const list = make('div', { class: 'cards' });
  const empty = make('p', { class: 'empty', hidden: true }, say('sales.none'));
  const cards = new Map<string, SaleCard>();
  place.append(
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('sales.title'))),
    notice.element,
    list,
    empty,
  );
  let products = new Map<string, Product>();

  const show = (sales: readonly Sale[]) => {
    empty.hidden = sales.length > 0;
    for (const sale of sales) {
      let card = cards.get(sale.productId);
      if (!card) {
        card = new SaleCard(products.get(sale.productId)?.name, change);
        cards.set(sale.productId, card);
        list.append(card.element);
      }
      card.show(sale);
    }
  };
  const refresh = async () => {
    show(await findSales(signal));
  };
  const change = async (productId: string, body: object) => {
    await call('PATCH', `sales/${productId}`, { body });
    await refresh();
  };
  try {
    products = new Map(
      (await get<Page<Product>>('products', { limit: 500 }, signal)).items.map((one) => [one.id, one]),
    );
    await refresh();
  } catch (error) {
    if (!signal.aborted) notice.fail(error);
  }
  const closed = explainScope('admin');
  place.append(closed ?? makeSaleForm([...products.values()], refresh));
  const again = async () => {
    await refresh();
    notice.clear();
    return undefined;
  };
  poll(askAgainMs, again, (error) => notice.fail(error), signal);
};
