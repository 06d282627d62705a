import { make } from '../element.ts';
import { say } from '../language.ts';
import { ask } from '../parts/dialog.ts';
import { makeField } from '../parts/field.ts';

/** @returns why, or undefined when the operator thought better of it */
export async function askForReason(title: string, warning: string): Promise<string | undefined> {
  const reason = make('input', { required: true, maxlength: 500, id: 'discard-reason', pattern: '.*\\S.*' });
  const isSure = await ask({
    title,
    content: [make('p', {}, warning), makeField(say('parked.why'), reason)],
    confirm: say('parked.discard'),
    isDangerous: true,
  });
  return isSure ? reason.value.trim() : undefined;
}
