import { make } from '../element.ts';
import { say } from '../language.ts';
import { writeRoute } from '../route.ts';
import type { View } from './view.ts';

/** An address that no view has. */
export const showMissing: View = (place) => {
  place.append(
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('missing.title'))),
    make('p', {}, say('missing.text')),
    make('p', {}, make('a', { href: writeRoute('now'), id: 'to-now' }, say('now.title'))),
  );
  return undefined;
};
