import { say } from '../language.ts';
import { ask } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';

/** @returns why, or undefined when the operator thought better of it */
export async function askForReason(title: string, warning: string): Promise<string | undefined> {
  const data = await ask({
    title,
    content: (
      <>
        <p>{warning}</p>
        <Field label={say('parked.why')}>
          <input required maxLength={500} id="discard-reason" name="reason" pattern=".*\S.*" />
        </Field>
      </>
    ),
    confirm: say('parked.discard'),
    isDangerous: true,
  });
  return data && String(data.get('reason')).trim();
}
