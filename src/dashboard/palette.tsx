import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Instance, Order, Page, Parked, Product } from '../api/answers.ts';
import { get } from './api.ts';
import { say } from './language.ts';
import { cursorBefore } from './live/find-sales.ts';
import { State } from './parts/badge.tsx';
import { openModal } from './parts/dialog.tsx';
import { Id } from './parts/id.tsx';
import { writeRoute } from './route.ts';
import { session } from './session.ts';
import { isTryOn } from './start.ts';
import { viewNames } from './views.ts';

interface Hit {
  href: string;
  kind: string;
  text: string;
  state?: string;
}

const isOpen = signal(false);
const quietMs = 200;
const most = 5;

export function openPalette(): void {
  if (session.value) isOpen.value = true;
}

/** One box for any id and any view: Ctrl+K, or / outside of a field. */
export function Palette() {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const isTyping = (event.target as Element).matches?.('input, select, textarea');
      const isWanted =
        (event.key === 'k' && (event.ctrlKey || event.metaKey)) || (event.key === '/' && !isTyping);
      if (!isWanted || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      openPalette();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
  return isOpen.value ? <OpenPalette /> : null;
}

function OpenPalette() {
  const [text, setText] = useState('');
  const [found, setFound] = useState<Hit[]>([]);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    setError(undefined);
    if (text === '') return setFound([]);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      findAny(text, stop.signal).then(setFound, (reason) => stop.signal.aborted || setError(reason));
    }, quietMs);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  const views = viewNames
    .filter(
      (name) =>
        (name !== 'try' || isTryOn.value) && say(`${name}.title`).toLowerCase().includes(text.toLowerCase()),
    )
    .map((name) => ({ href: writeRoute(name), kind: say('palette.view'), text: say(`${name}.title`) }));
  const hits: Hit[] = [...found, ...views];
  const close = (event: Event) => (event.currentTarget as Element).closest('dialog')?.close();
  const goToFirst = (event: Event) => {
    event.preventDefault();
    const [first] = hits;
    if (!first) return;
    location.hash = first.href;
    close(event);
  };
  return (
    <dialog
      class="palette"
      aria-label={say('palette.open')}
      ref={openModal}
      onClose={() => {
        isOpen.value = false;
      }}
    >
      <search>
        <form onSubmit={goToFirst}>
          <input
            type="text"
            id="palette-text"
            aria-label={say('palette.label')}
            placeholder={say('palette.label')}
            maxLength={64}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value.trim())}
          />
        </form>
      </search>
      <ul role="status" aria-label={say('palette.found')}>
        {hits.map(({ href, kind, text: name, state }) => (
          <li key={href}>
            <a href={href} onClick={close}>
              <span class="soft">{kind}</span> <Id text={name} /> {state && <State of={state} />}
            </a>
          </li>
        ))}
        {hits.length === 0 && (
          <li class="empty">{error === undefined ? say('palette.none') : say('problem.unreachable')}</li>
        )}
      </ul>
    </dialog>
  );
}

/** Lists and not single items are asked for: a browser complains on its console of every 404. */
async function findAny(text: string, signal: AbortSignal): Promise<Hit[]> {
  const number = readNumber(text);
  // As the page writes it: #5.
  const item = number ?? readNumber(text.replace(/^#/, ''));
  const [instances, orders, parkedAs, parked, products] = await Promise.all([
    get<Page<Instance>>('instances', { q: text, limit: most }, signal),
    get<Page<Order>>('orders', { [number ? 'userId' : 'paymentId']: text, limit: most }, signal),
    get<Page<Parked>>('parked', { state: 'ALL', sourceId: text, limit: most }, signal),
    item
      ? get<Page<Parked>>('parked', { state: 'ALL', limit: 1, cursor: cursorAfter(item) }, signal)
      : undefined,
    number ? get<Page<Product>>('products', { limit: 1, cursor: cursorBefore(text) }, signal) : undefined,
  ]);
  return [
    ...instances.items.map(({ instanceId, status }) => ({
      href: writeRoute('instances', instanceId),
      kind: say('instance.id'),
      text: instanceId,
      state: status,
    })),
    ...orders.items.map(({ id, status }) => ({
      href: writeRoute('orders', id),
      kind: say('order.title'),
      text: id,
      state: status,
    })),
    ...[...(parked?.items ?? []).filter(({ id }) => id === String(item)), ...parkedAs.items].map(
      ({ id, state }) => ({
        href: writeRoute('parked', id),
        kind: say('parked.item'),
        text: `#${id}`,
        state,
      }),
    ),
    ...(products?.items ?? [])
      .filter(({ id }) => id === text)
      .map(({ id, name }) => ({
        href: writeRoute('products', undefined, { cursor: cursorBefore(id) }),
        kind: say('instance.product'),
        text: `${id} · ${name}`,
      })),
    // The orders cannot be searched by their ids, which other systems may give: last, since it is a guess.
    { href: writeRoute('orders', text), kind: say('palette.order'), text },
  ];
}

const greatest = 2n ** 63n - 1n;

/** An id that is a number, of which the cursor of a list can be computed. */
function readNumber(text: string): bigint | undefined {
  const number = /^[1-9]\d{0,18}$/.test(text) ? BigInt(text) : 0n;
  return number > 0n && number <= greatest ? number : undefined;
}

/** Of a list in descending order that begins with this id. */
function cursorAfter(id: bigint): string | undefined {
  return id < greatest ? String(id + 1n) : undefined;
}
