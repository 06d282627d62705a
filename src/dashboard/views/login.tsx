import { Problem } from '../api.ts';
import { say } from '../language.ts';
import { ActionForm } from '../parts/action.tsx';
import { Field } from '../parts/field.tsx';
import { Head } from '../parts/head.tsx';
import { Noticed, useNotice } from '../parts/notice.tsx';
import { logIn, whyEnded } from '../session.ts';

export function Login() {
  const notice = useNotice();
  const submit = async (text: (name: string) => string) => {
    try {
      await logIn(text('key'));
    } catch (error) {
      // The API speaks to programs of it: a header to send, a command to run.
      if (!(error instanceof Problem) || error.code !== 'UNAUTHENTICATED') throw error;
      notice.warn(say('login.unknown'));
    }
  };
  return (
    <section class="panel narrow">
      <Head title={say('login.title')} />
      {whyEnded.value !== 'never' && <p class="notice warn">{say(`login.${whyEnded.value}`)}</p>}
      <p>
        {say('login.text')} {say('login.hint')}
      </p>
      <ActionForm class="login" label={say('login.submit')} id="log-in" notice={notice} submit={submit}>
        {/* A password manager wants a name to keep the key under. */}
        <input hidden autocomplete="username" value="weir" />
        <Field label={say('login.key')}>
          <input
            type="password"
            id="key"
            name="key"
            required
            autocomplete="current-password"
            ref={(input) => input?.focus()}
          />
        </Field>
      </ActionForm>
      <Noticed notice={notice} />
    </section>
  );
}
