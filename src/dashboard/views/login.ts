import { Problem } from '../api.ts';
import { make } from '../element.ts';
import { say } from '../language.ts';
import { runAction } from '../parts/action.ts';
import { makeField } from '../parts/field.ts';
import { Notice } from '../parts/notice.ts';
import { logIn } from '../session.ts';

export function showLogin(place: HTMLElement, onLoggedIn: () => void): void {
  const notice = new Notice();
  const key = make('input', {
    type: 'password',
    id: 'key',
    required: true,
    autocomplete: 'current-password',
  });
  // A password manager wants a name to keep the key under.
  const name = make('input', { hidden: true, autocomplete: 'username', value: 'weir' });
  const button = make('button', { type: 'submit', class: 'primary', id: 'log-in' }, say('login.submit'));
  const form = make('form', { class: 'login' }, name, makeField(say('login.key'), key), button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    runAction(button, notice, async () => {
      try {
        await logIn(key.value);
      } catch (error) {
        // The API speaks to programs of it: a header to send, a command to run.
        if (!(error instanceof Problem) || error.code !== 'UNAUTHENTICATED') throw error;
        return notice.warn(say('login.unknown'));
      }
      onLoggedIn();
    });
  });
  place.append(
    make(
      'section',
      { class: 'panel narrow' },
      make('h1', { tabindex: -1 }, say('login.title')),
      make('p', {}, say('login.text'), ' ', say('login.hint')),
      form,
      notice.element,
    ),
  );
  key.focus();
}
