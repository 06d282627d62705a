import { useRef } from 'preact/hooks';
import type { Sale } from '../../api/answers.ts';
import { formatCount, formatDuration, formatRate } from '../format.ts';
import { say } from '../language.ts';
import { nameProduct } from '../live/product-names.ts';
import { Action } from '../parts/action.tsx';
import { State } from '../parts/badge.tsx';
import { ask } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { type Notice, Noticed, useNotice } from '../parts/notice.tsx';
import { writeRoute } from '../route.ts';
import { SaleRate } from './sale-rate.ts';
import { SellThrough } from './sell-through.tsx';

type Change = (
  productId: string,
  body: { action?: 'pause' | 'resume' | 'end'; addStock?: number },
) => Promise<void>;

/** One sale, kept up to date in its place, so that a button never moves from under the pointer. */
export function SaleCard({ sale, change }: { sale: Sale; change: Change }) {
  const notice = useNotice();
  const rate = useRef(new SaleRate()).current;
  const { productId, stock, sold, remaining, restocked, state, entry, tickets, admitPerSecond } = sale;
  const nowMs = Date.now();
  const perMinute = rate.observe(sold, nowMs);
  const figures: [name: string, title: string, value: string][] = [
    ['stock', say('sale.stock'), formatCount(stock)],
    ['sold', say('sale.sold'), formatCount(sold)],
    ['remaining', say('sale.remaining'), formatCount(remaining)],
    ['restocked', say('sale.restocked'), formatCount(restocked)],
    [
      'rate',
      say('sale.rate'),
      perMinute === undefined ? '–' : say('sale.perMinute', { rate: formatRate(perMinute) }),
    ],
    ['timeLeft', say('sale.timeLeft'), describeTimeLeft(sale, perMinute, nowMs)],
  ];
  if (entry === 'ticket' || tickets > 0) figures.push(['tickets', say('sale.tickets'), formatCount(tickets)]);
  if (admitPerSecond !== null) {
    figures.push([
      'admitted',
      say('sale.waitingRoom'),
      say('now.rate', { rate: formatRate(admitPerSecond) }),
    ]);
  }
  return (
    <section class="panel sale">
      <div class="head">
        <h2>
          <a href={writeRoute('instances', undefined, { productId, source: 'SECKILL' })}>
            {nameProduct(productId)}
          </a>
        </h2>
        <State of={state} />
      </div>
      <div class="meter">
        <progress max={1} value={stock === 0 ? 0 : sold / stock} aria-label={say('sale.soldOfStock')} />
        <span class="number">{`${formatCount(sold)} / ${formatCount(stock)}`}</span>
      </div>
      <dl class="figures">
        {figures.map(([name, title, value]) => (
          <div key={name}>
            <dt>{title}</dt>
            <dd class={name}>{value}</dd>
          </div>
        ))}
      </dl>
      <SellThrough sale={sale} nowMs={nowMs} />
      {state !== 'ENDED' && <Buttons sale={sale} change={change} notice={notice} />}
      <Noticed notice={notice} />
    </section>
  );
}

/** What can be done with a sale in this state. */
function Buttons({
  sale: { productId, state },
  change,
  notice,
}: {
  sale: Sale;
  change: Change;
  notice: Notice;
}) {
  const about = nameProduct(productId);
  const [toggle, toggled] =
    state === 'PAUSED' ? (['resume', 'resumed'] as const) : (['pause', 'paused'] as const);
  const switchSale = async () => {
    await change(productId, { action: toggle });
    notice.say(say(`sale.${toggled}`));
  };
  const add = async () => {
    const data = await ask({
      title: say('sale.addTitle', { productId }),
      content: (
        <Field label={say('sale.units')}>
          <input type="number" name="units" min={1} max={2_147_483_647} required defaultValue="10" />
        </Field>
      ),
      confirm: say('sale.add'),
    });
    if (!data) return;
    const addStock = Number(data.get('units'));
    await change(productId, { addStock });
    notice.say(say('sale.added', { count: formatCount(addStock) }));
  };
  const end = async () => {
    const isSure = await ask({
      title: say('sale.endTitle', { productId }),
      content: <p>{say('sale.endWarning')}</p>,
      confirm: say('sale.end'),
      isDangerous: true,
    });
    if (!isSure) return;
    await change(productId, { action: 'end' });
    notice.say(say('sale.ended'));
  };
  return (
    <div class="buttons">
      <Action label={say(`sale.${toggle}`)} {...{ about, notice }} act={switchSale} />
      <Action label={say('sale.add')} {...{ about, notice }} act={add} />
      <Action label={say('sale.end')} kind="danger" {...{ about, notice }} act={end} />
    </div>
  );
}

/** Until its end where it has one; else until it would be sold out at the rate of now. */
function describeTimeLeft(sale: Sale, perMinute: number | undefined, nowMs: number): string {
  const { state, startsAt, endsAt, remaining, restocked } = sale;
  if (state === 'ENDED') return '–';
  const until = (iso: string) => formatDuration(Math.max(0, Date.parse(iso) - nowMs));
  if (state === 'SCHEDULED' && startsAt) return say('sale.startsIn', { duration: until(startsAt) });
  if (endsAt) return until(endsAt);
  if (!perMinute || state !== 'OPEN') return say('sale.openEnd');
  return say('sale.soldOutIn', { duration: formatDuration(((remaining + restocked) / perMinute) * 60_000) });
}
