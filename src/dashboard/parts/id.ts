import { make } from '../element.ts';

/** Cut where it is as long as a hash; then the whole of it is under the pointer. */
export function makeId(id: string): HTMLElement {
  return make('span', { class: 'id', title: id }, id);
}
