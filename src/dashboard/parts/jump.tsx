import type { JSX } from 'preact';
import { say } from '../language.ts';
import { Field } from './field.tsx';

interface JumpProps extends JSX.InputHTMLAttributes<HTMLInputElement> {
  label: string;
  goTo: (text: string) => void;
}

/** To one item of a list, or to where it is, whatever the filters are. */
export function Jump({ label, goTo, ...input }: JumpProps) {
  const submit = (event: Event) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get('to')).trim();
    if (text !== '') goTo(text);
  };
  return (
    <form class="filter" onSubmit={submit}>
      <Field label={label}>
        <input name="to" id="jump" required autocomplete="off" spellcheck={false} {...input} />
      </Field>
      <button type="submit">{say('action.show')}</button>
    </form>
  );
}
