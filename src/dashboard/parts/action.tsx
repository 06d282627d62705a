import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Scope } from '../../api/answers.ts';
import { say } from '../language.ts';
import { may } from '../session.ts';
import type { Notice } from './notice.tsx';

interface ActionProps {
  label: string;
  /** What the button is about, for a reader who does not see its row. */
  about?: string | undefined;
  /** What it will do, where the label does not say it. */
  hint?: string | undefined;
  kind?: 'primary' | 'danger' | 'plain';
  id?: string | undefined;
  scope?: Scope;
  notice: Notice;
  act: () => Promise<unknown> | unknown;
}

/** A button that does one thing at a time and shows what went wrong in its notice. */
export function Action({ label, about, hint, kind = 'plain', id, scope = 'act', notice, act }: ActionProps) {
  const [isBusy, run] = useAction(notice, act);
  const why = may(scope) ? undefined : say('scope.needed', { scope });
  const named = [label, about, why].filter(Boolean);
  return (
    <button
      type="button"
      class={kind}
      id={id}
      title={why ?? hint}
      aria-label={named.length > 1 ? named.join(', ') : undefined}
      disabled={why !== undefined}
      // Not `disabled`: the focus must not fall off the button while it works.
      aria-disabled={isBusy || undefined}
      onClick={run}
    >
      {label}
    </button>
  );
}

/** A button that is gone after its action takes the focus with it: the next Tab would begin at the top of the page. */
function keepFocus(): void {
  if (document.activeElement !== document.body) return;
  document.querySelector<HTMLElement>('#main h1')?.focus({ preventScroll: true });
}

export function useAction(
  notice: Notice,
  act: ActionProps['act'],
): [isBusy: boolean, run: () => Promise<void>] {
  const [isBusy, setBusy] = useState(false);
  const run = async () => {
    if (isBusy) return;
    const hadFocus = document.activeElement !== document.body;
    setBusy(true);
    notice.clear();
    try {
      await act();
    } catch (error) {
      notice.fail(error);
    } finally {
      setBusy(false);
      if (hadFocus) requestAnimationFrame(keepFocus);
    }
  };
  return [isBusy, run];
}

interface FormProps {
  class: string;
  label: string;
  id: string;
  /** Without it the form is open to everybody. */
  scope?: Scope;
  notice: Notice;
  submit: (text: (name: string) => string, form: HTMLFormElement) => Promise<unknown> | unknown;
  children: ComponentChildren;
}

/** A form with one button; `text` reads a field by its name, trimmed. */
export function ActionForm({ class: style, label, id, scope, notice, submit, children }: FormProps) {
  const why = scope === undefined || may(scope) ? undefined : say('scope.needed', { scope });
  let form: HTMLFormElement | null = null;
  const [isBusy, run] = useAction(notice, () => {
    if (!form) return;
    const data = new FormData(form);
    return submit((name) => String(data.get(name) ?? '').trim(), form);
  });
  return (
    <form
      class={style}
      ref={(element) => {
        form = element;
      }}
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      {children}
      <p class="buttons">
        <button
          type="submit"
          class="primary"
          id={id}
          title={why}
          disabled={why !== undefined}
          aria-disabled={isBusy || undefined}
        >
          {label}
        </button>
      </p>
    </form>
  );
}

/** One sentence where buttons are closed to this key. */
export function ScopeNeeded({ scope }: { scope: Scope }) {
  return may(scope) ? null : <p class="soft">{say('scope.needed', { scope })}</p>;
}
