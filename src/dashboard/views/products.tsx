import type { Product } from '../../api/answers.ts';
import { post } from '../api.ts';
import { formatCents, formatCount } from '../format.ts';
import { say } from '../language.ts';
import { Action, ActionForm, ScopeNeeded } from '../parts/action.tsx';
import { State } from '../parts/badge.tsx';
import { Field } from '../parts/field.tsx';
import { Head } from '../parts/head.tsx';
import { Id } from '../parts/id.tsx';
import { ListView, useList } from '../parts/list-view.tsx';
import { type Notice, Noticed, useNotice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import type { Column } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import { may } from '../session.ts';
import type { View } from '../views.ts';
import { switchProduct } from './switch-product.tsx';

/** What is sold at all, each with its switch. */
const Products: View = ({ query }) => {
  const list = useList<Product>({ path: 'products', filters: [], query, limit: 100, isCounted: false });
  const notice = useNotice();
  const columns = productColumns(notice, list.reload);
  return (
    <>
      <Head title={say('products.title')} />
      <Noticed notice={notice} />
      <ListView
        view="products"
        title={say('products.title')}
        {...{ list, query, columns }}
        filters={[]}
        empty={say('product.none')}
      />
      <ScopeNeeded scope="admin" />
      {may('admin') && <NewProduct id={query.get('create') ?? ''} onCreated={list.reload} />}
    </>
  );
};

function productColumns(notice: Notice, reload: () => Promise<void>): Column<Product>[] {
  return [
    {
      title: say('instance.product'),
      isHead: true,
      isText: true,
      cell: ({ id, name }) => (
        <a href={writeRoute('instances', undefined, { productId: id })}>
          <Id text={id} /> · {name}
        </a>
      ),
    },
    { title: say('product.cpus'), isNumber: true, cell: ({ cpus }) => formatCount(cpus) },
    { title: say('product.memoryMb'), isNumber: true, cell: ({ memoryMb }) => formatCount(memoryMb) },
    { title: say('product.gpu'), isNumber: true, cell: ({ gpu }) => formatCount(gpu) },
    { title: say('product.image'), isText: true, cell: ({ image }) => image },
    { title: say('product.price'), isNumber: true, cell: ({ priceCents }) => formatCents(priceCents) },
    { title: say('instance.status'), cell: ({ enabled }) => <State of={enabled ? 'ENABLED' : 'DISABLED'} /> },
    {
      title: say('product.switch'),
      cell: ({ id, name, enabled }) => (
        <Action
          label={say(enabled ? 'product.disable' : 'product.enable')}
          about={`${id} ${name}`}
          kind={enabled ? 'danger' : 'plain'}
          id={`switch-${id}`}
          scope="admin"
          notice={notice}
          act={async () => {
            if (!(await switchProduct(id, !enabled))) return;
            await reload();
            notice.say(say(enabled ? 'product.disabled' : 'product.enabled', { productId: id }));
          }}
        />
      ),
    },
  ];
}

/** The API judges the values; its answer stands below the form. */
function NewProduct({ id, onCreated }: { id: string; onCreated: () => Promise<void> }) {
  const notice = useNotice();
  const create = async (text: (name: string) => string) => {
    const priceCents = String(Math.round(Number(text('price')) * 100));
    const [cpus, memoryMb, gpu] = [text('cpus'), text('memoryMb'), text('gpu')].map(Number);
    const { id: productId } = await post<Product>('products', {
      ...{ id: text('id'), name: text('name'), image: text('image') },
      ...{ cpus, memoryMb, gpu, priceCents },
    });
    await onCreated();
    notice.say(say('try.created', { productId }));
  };
  const number = { type: 'number', max: 2_147_483_647, required: true } as const;
  return (
    <Panel title={say('product.createTitle')}>
      <ActionForm
        class="filter"
        label={say('product.create')}
        id="create"
        scope="admin"
        notice={notice}
        submit={create}
      >
        <Field label={say('instance.product')}>
          <input
            name="id"
            inputMode="numeric"
            pattern="[1-9][0-9]{0,18}"
            required
            defaultValue={id}
            class="short"
          />
        </Field>
        <Field label={say('product.name')}>
          <input name="name" maxLength={100} required />
        </Field>
        <Field label={say('product.cpus')}>
          <input {...number} name="cpus" min={1} defaultValue="1" />
        </Field>
        <Field label={say('product.memoryMb')}>
          <input {...number} name="memoryMb" min={1} defaultValue="1024" />
        </Field>
        <Field label={say('product.gpu')}>
          <input {...number} name="gpu" min={0} defaultValue="0" />
        </Field>
        <Field label={say('product.image')}>
          <input name="image" maxLength={200} required defaultValue="ubuntu-22.04" />
        </Field>
        <Field label={say('product.price')}>
          <input {...number} name="price" min={0} step="0.01" defaultValue="0" />
        </Field>
      </ActionForm>
      <Noticed notice={notice} />
    </Panel>
  );
}

export const show = (): View => Products;
