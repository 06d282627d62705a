import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { say } from '../language.ts';

interface Question {
  title: string;
  content: ComponentChildren;
  confirm: string;
  isDangerous?: boolean;
}

const asked = signal<(Question & { answer: (data: FormData | undefined) => void }) | undefined>(undefined);

/**
 * A modal question: Escape and the browser's own handling of focus come with `<dialog>`.
 *
 * @returns what was filled in, or undefined when it was not confirmed
 */
export function ask(question: Question): Promise<FormData | undefined> {
  return new Promise((resolve) => {
    asked.value = { ...question, answer: resolve };
  });
}

export function openModal(dialog: HTMLDialogElement | null): void {
  if (dialog && !dialog.open) dialog.showModal();
}

/** Where questions appear; once in the page. */
export function Dialog() {
  const question = asked.value;
  if (!question) return null;
  const { title, content, confirm, isDangerous = false, answer } = question;
  const close = (event: Event) => {
    const dialog = event.currentTarget as HTMLDialogElement;
    const form = dialog.querySelector('form');
    answer(dialog.returnValue === 'yes' && form ? new FormData(form) : undefined);
    asked.value = undefined;
  };
  return (
    <dialog aria-labelledby="question" ref={openModal} onClose={close}>
      <form method="dialog">
        <h2 id="question">{title}</h2>
        {content}
        <p class="buttons">
          <button type="button" onClick={(event) => event.currentTarget.closest('dialog')?.close()}>
            {say('action.cancel')}
          </button>
          <button type="submit" value="yes" class={isDangerous ? 'danger' : 'primary'}>
            {confirm}
          </button>
        </p>
      </form>
    </dialog>
  );
}
