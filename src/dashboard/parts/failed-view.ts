import { make } from '../element.ts';
import { say } from '../language.ts';
import { Notice } from './notice.ts';

/**
 * Shows that a view could not be loaded, and why, under the title that it has or would have had. The way on is to load the
 * page again: a browser may remember a module that did not come as one that never will.
 */
export function showFailedView(place: HTMLElement, title: string, error: unknown): void {
  const notice = new Notice();
  notice.fail(error);
  const reload = make(
    'button',
    { type: 'button', id: 'reload', onclick: () => location.reload() },
    say('problem.reload'),
  );
  if (!place.querySelector('h1')) {
    place.prepend(make('div', { class: 'head' }, make('h1', { tabindex: -1 }, title)));
  }
  place.firstElementChild?.after(notice.element, make('p', { class: 'buttons' }, reload));
}
