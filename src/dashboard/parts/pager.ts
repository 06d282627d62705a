import { make } from '../element.ts';
import { say } from '../language.ts';

/** Cursors go one way: the way back is the first page, or the browser's back button. */
export function makePager({
  first,
  next,
  nextLabel = say('pager.next'),
}: {
  first: string | undefined;
  next: string | undefined;
  nextLabel?: string;
}): HTMLElement {
  if (first === undefined && next === undefined) return make('div');
  return make(
    'nav',
    { class: 'pager', 'aria-label': say('pager.title') },
    first !== undefined && make('a', { href: first, class: 'button' }, say('pager.first')),
    next !== undefined && make('a', { href: next, class: 'button', id: 'next-page' }, nextLabel),
  );
}
