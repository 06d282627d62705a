import type { Page, Product, Sale } from '../../api/answers.ts';
import { call, get } from '../api.ts';
import { say } from '../language.ts';
import { cursorBefore, findSales } from '../live/find-sales.ts';
import { ScopeNeeded } from '../parts/action.tsx';
import { Head } from '../parts/head.tsx';
import { Jump } from '../parts/jump.tsx';
import { Failure } from '../parts/notice.tsx';
import { Pager } from '../parts/pager.tsx';
import { writeRoute } from '../route.ts';
import { may } from '../session.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { goTo } from '../where.ts';
import { SaleCard } from './sale-card.tsx';
import { SaleForm } from './sale-form.tsx';

const askAgainMs = 2_000;

/** A page of sales and their stock, and what an operator does during one. */
const Sales: View = ({ query }) => {
  const cursor = query.get('cursor') ?? undefined;
  const { data, error, reload } = useLoad(
    (signal) => findSales(cursor, signal),
    [],
    () => askAgainMs,
  );
  const products = useLoad((signal) => get<Page<Product>>('products', { limit: 500 }, signal));
  const change = async (productId: string, body: object) => {
    await call('PATCH', `sales/${productId}`, { body });
    await reload();
  };
  const isOnePage = cursor === undefined && data?.nextCursor === null;
  return (
    <>
      <Head title={say('sales.title')} />
      <Failure error={error} />
      <div class="cards">
        {data?.items.map((sale: Sale) => (
          <SaleCard key={sale.productId} sale={sale} change={change} />
        ))}
      </div>
      {data?.items.length === 0 && <p class="empty">{say('sales.none')}</p>}
      {data && !isOnePage && (
        <div class="bulk">
          <Pager
            first={cursor && writeRoute('sales')}
            next={data.nextCursor ? writeRoute('sales', undefined, { cursor: data.nextCursor }) : undefined}
          />
          <Jump
            label={say('sale.fromProduct')}
            inputMode="numeric"
            pattern="[1-9][0-9]{0,18}"
            goTo={(productId) => goTo('sales', undefined, { cursor: cursorBefore(productId) })}
          />
        </div>
      )}
      <ScopeNeeded scope="admin" />
      {may('admin') && (
        <SaleForm
          products={(products.data?.items ?? []).filter(({ enabled }) => enabled)}
          onOpened={reload}
          isShown={(productId) => data?.items.some((sale) => sale.productId === productId) ?? false}
        />
      )}
    </>
  );
};

export const show = (): View => Sales;
