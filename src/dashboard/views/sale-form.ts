import { post } from '../api.ts';
import { make } from '../element.ts';
import { fromLocalInput } from '../format.ts';
import { say } from '../language.ts';
import { runAction } from '../parts/action.ts';
import { makeField } from '../parts/field.ts';
import { Notice } from '../parts/notice.ts';

/**
 * Opens a sale. The API judges the terms; its answer stands below the form. `choices`: products to choose from; any other id
 * can be typed.
 */
export function makeSaleForm(
  choices: HTMLDataListElement,
  onOpened: (productId: string) => Promise<HTMLElement | undefined>,
): HTMLElement {
  const notice = new Notice();
  const button = make('button', { type: 'submit', class: 'primary', id: 'open-sale' }, say('sale.open'));
  const number = { type: 'number', min: 1, required: true };
  const form = make(
    'form',
    { class: 'filter' },
    makeField(
      say('instance.product'),
      make('input', {
        name: 'productId',
        list: choices.id,
        inputmode: 'numeric',
        pattern: '[1-9][0-9]{0,18}',
        required: true,
        autocomplete: 'off',
      }),
      say('sale.anyProduct'),
    ),
    choices,
    makeField(say('sale.stock'), make('input', { ...number, name: 'stock', max: 2_147_483_647, value: 100 })),
    makeField(
      say('sale.perUser'),
      make('input', { ...number, name: 'perUserLimit', max: 1_000_000, value: 1 }),
    ),
    makeField(
      say('sale.startsAt'),
      make('input', { name: 'startsAt', type: 'datetime-local' }),
      say('sale.atOnce'),
    ),
    makeField(
      say('sale.endsAt'),
      make('input', { name: 'endsAt', type: 'datetime-local' }),
      say('sale.whenEnded'),
    ),
    make('p', { class: 'buttons' }, button),
  );
  const open = async () => {
    const data = new FormData(form);
    const text = (name: string) => String(data.get(name) ?? '');
    const startsAt = fromLocalInput(text('startsAt'))?.toISOString();
    const endsAt = fromLocalInput(text('endsAt'))?.toISOString();
    const productId = text('productId');
    await post('sales', {
      productId,
      stock: Number(text('stock')),
      perUserLimit: Number(text('perUserLimit')),
      ...(startsAt ? { startsAt } : {}),
      ...(endsAt ? { endsAt } : {}),
    });
    const link = await onOpened(productId);
    notice.say(say('sale.opened', { productId }), ' ', link);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    runAction(button, notice, open);
  });
  return make('section', { class: 'panel' }, make('h2', {}, say('sale.openTitle')), form, notice.element);
}
