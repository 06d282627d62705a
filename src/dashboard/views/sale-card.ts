import type { Sale } from '../../api/answers.ts';
import { make, setText } from '../element.ts';
import { formatCount, formatDuration, formatRate } from '../format.ts';
import { say } from '../language.ts';
import { makeAction } from '../parts/action.ts';
import { makeBadge } from '../parts/badge.ts';
import { ask } from '../parts/dialog.ts';
import { makeField } from '../parts/field.ts';
import { Meter } from '../parts/meter.ts';
import { Notice } from '../parts/notice.ts';
import { SaleRate } from './sale-rate.ts';

type Change = (
  productId: string,
  body: { action?: 'pause' | 'resume' | 'end'; addStock?: number },
) => Promise<void>;

/** One sale. Made once and then kept up to date, so that a button never moves from under the pointer. */
export class SaleCard {
  readonly element: HTMLElement;
  readonly #name: string | undefined;
  readonly #change: Change;
  readonly #rate = new SaleRate();
  readonly #notice = new Notice();
  readonly #state = make('span');
  readonly #meter = new Meter(say('sale.soldOfStock'));
  readonly #figures = new Map<string, HTMLElement>();
  readonly #buttons = make('div', { class: 'buttons' });
  readonly #title = make('h2');
  #shownState = '';

  constructor(name: string | undefined, change: Change) {
    this.#name = name;
    this.#change = change;
    const figures = ['stock', 'sold', 'remaining', 'restocked', 'rate', 'timeLeft'] as const;
    this.element = make(
      'section',
      { class: 'panel sale' },
      make('div', { class: 'head' }, this.#title, this.#state),
      this.#meter.element,
      make(
        'dl',
        { class: 'figures' },
        ...figures.map((figure) => {
          const value = make('dd', { class: figure }, '–');
          this.#figures.set(figure, value);
          return make('div', {}, make('dt', {}, say(`sale.${figure}`)), value);
        }),
      ),
      this.#buttons,
      this.#notice.element,
    );
  }

  show(sale: Sale, nowMs = Date.now()): void {
    const { productId, stock, sold, remaining, restocked, state } = sale;
    setText(this.#title, [productId, this.#name].filter(Boolean).join(' · '));
    this.#meter.show(stock === 0 ? 0 : sold / stock, `${formatCount(sold)} / ${formatCount(stock)}`);
    const perMinute = this.#rate.observe(sold, nowMs);
    this.#put('stock', formatCount(stock));
    this.#put('sold', formatCount(sold));
    this.#put('remaining', formatCount(remaining));
    this.#put('restocked', formatCount(restocked));
    this.#put('rate', perMinute === undefined ? '–' : say('sale.perMinute', { rate: formatRate(perMinute) }));
    this.#put('timeLeft', describeTimeLeft(sale, perMinute, nowMs));
    if (state === this.#shownState) return;
    this.#shownState = state;
    this.#state.replaceChildren(makeBadge(state));
    this.#offer(sale);
  }

  #put(figure: string, text: string): void {
    const element = this.#figures.get(figure);
    if (element) setText(element, text);
  }

  /** What can be done with a sale in this state. */
  #offer({ productId, state }: Sale): void {
    if (state === 'ENDED') {
      this.#buttons.replaceChildren();
      return;
    }
    const hadFocus = this.#buttons.contains(document.activeElement);
    const about = `${productId} ${this.#name ?? ''}`.trim();
    const notice = this.#notice;
    const act = (body: Parameters<Change>[1], said: string) => async () => {
      await this.#change(productId, body);
      notice.say(said);
    };
    const toggle =
      state === 'PAUSED'
        ? makeAction({
            label: say('sale.resume'),
            about,
            notice,
            act: act({ action: 'resume' }, say('sale.resumed')),
          })
        : makeAction({
            label: say('sale.pause'),
            about,
            notice,
            act: act({ action: 'pause' }, say('sale.paused')),
          });
    const add = makeAction({ label: say('sale.add'), about, notice, act: () => this.#add(productId) });
    const end = makeAction({
      label: say('sale.end'),
      about,
      kind: 'danger',
      notice,
      act: () => this.#end(productId),
    });
    this.#buttons.replaceChildren(toggle, add, end);
    if (hadFocus) toggle.focus();
  }

  async #add(productId: string): Promise<void> {
    const units = make('input', { type: 'number', min: 1, max: 2_147_483_647, required: true, value: 10 });
    const title = say('sale.addTitle', { productId });
    const isSure = await ask({
      title,
      content: [makeField(say('sale.units'), units)],
      confirm: say('sale.add'),
    });
    if (!isSure) return;
    await this.#change(productId, { addStock: Number(units.value) });
    this.#notice.say(say('sale.added', { count: formatCount(Number(units.value)) }));
  }

  async #end(productId: string): Promise<void> {
    const isSure = await ask({
      title: say('sale.endTitle', { productId }),
      content: [make('p', {}, say('sale.endWarning'))],
      confirm: say('sale.end'),
      isDangerous: true,
    });
    if (!isSure) return;
    await this.#change(productId, { action: 'end' });
    this.#notice.say(say('sale.ended'));
  }
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
