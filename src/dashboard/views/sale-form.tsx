import type { Product } from '../../api/answers.ts';
import { post } from '../api.ts';
import { fromLocalInput } from '../format.ts';
import { say } from '../language.ts';
import { cursorBefore } from '../live/find-sales.ts';
import { ActionForm } from '../parts/action.tsx';
import { Field, Select } from '../parts/field.tsx';
import { Noticed, useNotice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { writeRoute } from '../route.ts';

interface SaleFormProps {
  /** To choose from; any other id can be typed. */
  products: readonly Product[];
  onOpened: () => Promise<unknown>;
  /** A new sale may stand on another page. */
  isShown: (productId: string) => boolean;
}

/** Opens a sale. The API judges the terms; its answer stands below the form. */
export function SaleForm({ products, onOpened, isShown }: SaleFormProps) {
  const notice = useNotice();
  const open = async (text: (name: string) => string) => {
    const productId = text('productId');
    await post('sales', readTerms(text));
    await onOpened();
    notice.say(
      <>
        {say('sale.opened', { productId })}{' '}
        {!isShown(productId) && (
          <a href={writeRoute('sales', undefined, { cursor: cursorBefore(productId) })}>
            {say('sale.showIt')}
          </a>
        )}
      </>,
    );
  };
  return (
    <Panel title={say('sale.openTitle')}>
      <ActionForm
        class="filter explained"
        label={say('sale.open')}
        id="open-sale"
        scope="admin"
        notice={notice}
        submit={open}
      >
        <Field label={say('instance.product')} hint={say('sale.anyProduct')} help={say('sale.productHelp')}>
          <input
            name="productId"
            list="products"
            inputMode="numeric"
            pattern="[1-9][0-9]{0,18}"
            required
            autocomplete="off"
          />
        </Field>
        <datalist id="products">
          {products.map(({ id, name }) => (
            <option key={id} value={id}>{`${id} · ${name}`}</option>
          ))}
        </datalist>
        <Field label={say('sale.stock')} help={say('sale.stockHelp')}>
          <input type="number" name="stock" min={1} max={2_147_483_647} defaultValue="100" required />
        </Field>
        <Field label={say('sale.perUser')} help={say('sale.perUserHelp')}>
          <input type="number" name="perUserLimit" min={1} max={1_000_000} defaultValue="1" required />
        </Field>
        <Field label={say('sale.startsAt')} hint={say('sale.atOnce')} help={say('sale.startsAtHelp')}>
          <input type="datetime-local" name="startsAt" />
        </Field>
        <Field label={say('sale.endsAt')} hint={say('sale.whenEnded')} help={say('sale.endsAtHelp')}>
          <input type="datetime-local" name="endsAt" />
        </Field>
        <Field label={say('sale.entry')} help={say('sale.entryHelp')}>
          <Select
            name="entry"
            options={[
              ['open', say('entry.open')],
              ['ticket', say('entry.ticket')],
            ]}
          />
        </Field>
        <Field label={say('sale.admitPerSecond')} hint={say('sale.noRoom')} help={say('sale.admitHelp')}>
          <input type="number" name="admitPerSecond" min="0.1" max={1_000_000} step="any" />
        </Field>
      </ActionForm>
      <Noticed notice={notice} />
    </Panel>
  );
}

function readTerms(text: (name: string) => string): object {
  const startsAt = fromLocalInput(text('startsAt'))?.toISOString();
  const endsAt = fromLocalInput(text('endsAt'))?.toISOString();
  return {
    productId: text('productId'),
    stock: Number(text('stock')),
    perUserLimit: Number(text('perUserLimit')),
    ...(startsAt ? { startsAt } : {}),
    ...(endsAt ? { endsAt } : {}),
    ...(text('entry') === 'ticket' ? { entry: 'ticket' } : {}),
    ...(text('admitPerSecond') === '' ? {} : { admitPerSecond: Number(text('admitPerSecond')) }),
  };
}
