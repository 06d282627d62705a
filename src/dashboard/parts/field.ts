import { make } from '../element.ts';

let made = 0;

/** A labelled control. The label stands above, its hint at the other end of the line, so that forms line up in either language. */
export function makeField(label: string, control: HTMLElement, hint?: string): HTMLElement {
  if (control.id === '') control.id = `field-${++made}`;
  const small = hint !== undefined && make('small', {}, hint);
  return make('div', { class: 'field' }, make('label', { for: control.id }, label, ' ', small), control);
}

export function makeSelect(
  attributes: Record<string, string>,
  options: readonly (readonly [value: string, label: string])[],
  chosen = '',
): HTMLSelectElement {
  const select = make('select', attributes);
  for (const [value, label] of options) {
    select.append(make('option', { value, selected: value === chosen }, label));
  }
  return select;
}
