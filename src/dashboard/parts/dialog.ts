import { type Child, make } from '../element.ts';
import { say } from '../language.ts';

interface Question {
  title: string;
  content: Child[];
  confirm: string;
  isDangerous?: boolean;
}

/**
 * A modal question: Escape and the browser's own handling of focus come with `<dialog>`.
 *
 * @returns whether it was confirmed
 */
export function ask({ title, content, confirm, isDangerous = false }: Question): Promise<boolean> {
  const form = make(
    'form',
    { method: 'dialog' },
    make('h2', { id: 'question' }, title),
    ...content,
    make(
      'p',
      { class: 'buttons' },
      make('button', { type: 'button', onclick: () => dialog.close() }, say('action.cancel')),
      make('button', { type: 'submit', value: 'yes', class: isDangerous ? 'danger' : 'primary' }, confirm),
    ),
  );
  const dialog = make('dialog', { 'aria-labelledby': 'question' }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}
