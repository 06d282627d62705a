import type { Page, Product } from '../../api/answers.ts';
import { get } from '../api.ts';
import { make } from '../element.ts';
import { say, type WordKey } from '../language.ts';
import { explainScope, makeAction } from '../parts/action.ts';
import { makeField, makeSelect } from '../parts/field.ts';
import { Notice } from '../parts/notice.ts';
import { TryLog } from './try-log.ts';
import { createMissingProduct, parkSomething, replayIt } from './try-parked.ts';
import { buyAndFail, buyInSale, orderAndPay, receiveGift, winMany } from './try-purchases.ts';
import type { View } from './view.ts';

type Attempt = (productId: string, log: TryLog, signal: AbortSignal) => Promise<void>;

/** Opening a sale and creating a product are the administrator's. */
const adminTries = new Set(['buy', 'fail', 'create']);

/** Real traffic by clicking, so that a newcomer sees the whole way. Only where it is switched on. */
export const showTry: View = async (place, _, signal) => {
  const log = new TryLog();
  const product = makeSelect({ id: 'product' }, []);
  const makeTry = (id: string, label: WordKey, attempt: Attempt, notice: Notice, isFirst = false) =>
    makeAction({
      id,
      label: say(label),
      scope: adminTries.has(id) ? 'admin' : 'act',
      kind: isFirst ? 'primary' : 'plain',
      notice,
      act: () => attempt(product.value, log, signal),
    });
  const makeStep = (title: WordKey, text: WordKey, buttons: (notice: Notice) => HTMLElement[]) => {
    const notice = new Notice();
    const row = make('p', { class: 'buttons' }, ...buttons(notice));
    return make(
      'section',
      { class: 'panel' },
      make('h2', {}, say(title)),
      make('p', {}, say(text)),
      row,
      notice.element,
    );
  };
  place.append(
    make(
      'div',
      { class: 'head' },
      make('h1', { tabindex: -1 }, say('try.title')),
      makeField(say('instance.product'), product),
    ),
    explainScope('admin') ?? '',
    make(
      'div',
      { class: 'steps' },
      makeStep('try.buyTitle', 'try.buyText', (notice) => [
        makeTry('buy', 'try.buy', buyInSale, notice, true),
        makeTry('order', 'try.order', orderAndPay, notice),
        makeTry('gift', 'try.gift', receiveGift, notice),
        makeTry('many', 'try.many', winMany, notice),
      ]),
      makeStep('try.failTitle', 'try.failText', (notice) => [
        makeTry('fail', 'try.fail', buyAndFail, notice, true),
      ]),
      makeStep('try.parkTitle', 'try.parkText', (notice) => [
        makeTry('park', 'try.park', parkSomething, notice, true),
        makeTry('create', 'try.create', createMissingProduct, notice),
        makeTry('replay-parked', 'try.replay', replayIt, notice),
      ]),
    ),
    make('section', { class: 'panel' }, make('h2', {}, say('try.log')), log.element),
  );
  const { items } = await get<Page<Product>>('products', { limit: 500 }, signal);
  for (const { id, name, enabled } of items) {
    if (enabled) product.append(make('option', { value: id }, `${id} · ${name}`));
  }
};
