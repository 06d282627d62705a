import type { Scope } from '../../api/answers.ts';
import { make } from '../element.ts';
import { say } from '../language.ts';
import { may } from '../session.ts';
import type { Notice } from './notice.ts';

export interface Action {
  label: string;
  /** What the button is about, for a reader who does not see its row. */
  about?: string;
  kind?: 'primary' | 'danger' | 'plain';
  id?: string;
  scope?: Scope;
  notice: Notice;
  act: () => Promise<unknown> | unknown;
}

/** A button that does one thing at a time and shows what went wrong in its notice. */
export function makeAction({
  label,
  about,
  kind = 'plain',
  id,
  scope = 'act',
  notice,
  act,
}: Action): HTMLButtonElement {
  const isAllowed = may(scope);
  const why = isAllowed ? undefined : say('scope.needed', { scope });
  const button = make(
    'button',
    {
      type: 'button',
      class: kind,
      id,
      title: why,
      'aria-label':
        about === undefined && why === undefined ? undefined : [label, about, why].filter(Boolean).join(', '),
      disabled: !isAllowed,
      onclick: () => runAction(button, notice, act),
    },
    label,
  );
  return button;
}

/** `aria-disabled`, not `disabled`: the focus must not fall off the button while it works. */
export async function runAction(
  button: HTMLButtonElement,
  notice: Notice,
  act: Action['act'],
): Promise<void> {
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  notice.clear();
  try {
    await act();
  } catch (error) {
    notice.fail(error);
  } finally {
    button.removeAttribute('aria-disabled');
  }
}

/** One sentence where buttons are closed to this key. */
export function explainScope(scope: Scope): HTMLElement | undefined {
  return may(scope) ? undefined : make('p', { class: 'soft' }, say('scope.needed', { scope }));
}
