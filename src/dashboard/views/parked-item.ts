import type { ParkedItem, Replayed } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { make } from '../element.ts';
import { currentLanguage, say, sayCode } from '../language.ts';
import { explainScope, makeAction } from '../parts/action.ts';
import { makeBadge } from '../parts/badge.ts';
import { makeFacts } from '../parts/facts.ts';
import { makeMoment } from '../parts/moment.ts';
import { Notice } from '../parts/notice.ts';
import { makeAdvice, makeWhat } from '../parts/server-text.ts';
import { writeRoute } from '../route.ts';
import { sayStatement } from '../words/say-statement.ts';
import { askForReason } from './discard-reason.ts';
import { meaningOf } from './parked.ts';
import { findProductOf, switchProduct } from './switch-product.ts';
import type { View } from './view.ts';

/** One parked item with the bytes that came, what its reason means and what to do. */
export const showParkedItem: View = async (place, { id = '' }, signal) => {
  const notice = new Notice();
  const content = make('div');
  const path = `parked/${encodeURIComponent(id)}`;
  const load = async () => {
    const item = await get<ParkedItem>(path, {}, signal);
    content.replaceChildren(...describeItem(item));
    actions.hidden = item.state !== 'PARKED';
    const productId = item.reason === 'PRODUCT_DISABLED' ? findProductOf(item) : undefined;
    enabling.replaceChildren(...(productId ? [makeEnabling(productId, notice)] : []));
  };
  const replay = makeAction({
    label: say('parked.replay'),
    kind: 'primary',
    id: 'replay',
    notice,
    async act() {
      const { state, code, detail, instanceId } = await post<Replayed>(`${path}/replay`);
      await load();
      if (state === 'PARKED') return notice.warn(say('parked.stays'), ' ', makeWhat(code, detail));
      notice.say(say('parked.replayed'), ' ', instanceId ? linkInstance(instanceId) : undefined);
    },
  });
  const discard = makeAction({
    label: say('parked.discard'),
    kind: 'danger',
    id: 'discard',
    notice,
    async act() {
      const reason = await askForReason(say('parked.discardOne', { id }), say('parked.discardWarning'));
      if (!reason) return;
      await post(`${path}/discard`, { reason });
      await load();
      notice.say(say('parked.discarded'));
    },
  });
  const enabling = make('span');
  const actions = make(
    'p',
    { class: 'buttons', hidden: true },
    enabling,
    replay,
    discard,
    explainScope('act'),
  );
  place.append(
    make('p', { class: 'trail' }, make('a', { href: writeRoute('parked') }, say('parked.title'))),
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('parked.itemTitle', { id }))),
    content,
    actions,
    notice.element,
  );
  await load().catch((error) => {
    if (!signal.aborted) notice.fail(error);
  });
};

/** What the advice says, where the reason is that the product is disabled. */
function makeEnabling(productId: string, notice: Notice): HTMLElement {
  return makeAction({
    label: say('product.enableOne', { productId }),
    id: 'enable-product',
    scope: 'admin',
    notice,
    async act() {
      await switchProduct(productId, true);
      notice.say(say('product.enabled', { productId }), ' ', say('product.nowReplay'));
    },
  });
}

function describeItem(item: ParkedItem): HTMLElement[] {
  const lang = currentLanguage() === 'en' ? undefined : 'en';
  const { resolvedAt, instanceId } = item;
  return [
    make('p', { class: 'state apart' }, makeBadge(item.state), ' ', make('code', {}, item.reason)),
    makeFacts([
      [say('parked.meaning'), meaningOf(item.reason, item.detail)],
      [say('parked.detail'), make('span', { lang }, item.detail)],
      [say('parked.advice'), item.advice ? makeAdvice(item.reason, item.advice) : undefined],
      [say('parked.guide'), linkGuide(item.reason)],
      [say('parked.origin'), sayCode('origin', item.origin)],
      [say('instance.source'), item.source || undefined],
      [say('instance.scope'), item.scope || undefined],
      [say('instance.sourceId'), item.sourceId || undefined],
      [say('parked.parkedAt'), makeMoment(item.parkedAt)],
      [say('parked.attempts'), String(item.attempts)],
      [say('parked.resolvedAt'), resolvedAt ? makeMoment(resolvedAt) : undefined],
      [say('parked.resolvedBy'), item.resolvedBy ?? undefined],
      [say('parked.resolution'), item.resolution ? sayStatement(item.resolution) : undefined],
      [say('instance.id'), instanceId ? linkInstance(instanceId) : undefined],
    ]),
    make('h2', { class: 'apart' }, say('parked.original')),
    make('pre', { tabindex: 0, 'aria-label': say('parked.original'), id: 'original' }, showOriginal(item)),
  ];
}

/** The section of the operating guide, which is served with the page. */
function linkGuide(reason: string): HTMLElement {
  const href = `guide.html#${reason.toLowerCase()}`;
  return make('a', { href, id: 'guide', target: '_blank' }, say('parked.guideLink'));
}

function linkInstance(instanceId: string): HTMLElement {
  return make('a', { href: writeRoute('instances', instanceId), id: 'its-instance' }, instanceId);
}

/** Text where it is text that can be seen; else the bytes as hexadecimal, sixteen a line. */
function showOriginal({ original, originalText }: ParkedItem): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what makes bytes unreadable as text
  if (originalText !== null && !/[\u0000-\u0008\u000e-\u001f]/.test(originalText)) return originalText;
  const bytes = [...atob(original)].map((char) => char.charCodeAt(0).toString(16).padStart(2, '0'));
  const lines = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) =>
    bytes.slice(i * 16, i * 16 + 16),
  );
  return lines.map((line) => line.join(' ')).join('\n');
}
