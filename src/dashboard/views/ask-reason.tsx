import type { ComponentChildren } from 'preact';
import { say } from '../language.ts';
import { ask } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';

interface ReasonQuestion {
  title: string;
  /** What will happen, and any further fields. */
  content: ComponentChildren;
  /** Of the field; "Reason" without it. */
  label?: string;
  help?: string;
  /** An empty reason is an answer too. */
  isOptional?: boolean;
  confirm: string;
  isDangerous?: boolean;
}

/** @returns the fields, `reason` among them; undefined when the operator cancelled */
export function askWithReason(question: ReasonQuestion): Promise<FormData | undefined> {
  const { title, content, label = say('instance.reason'), help, isOptional = false, ...buttons } = question;
  return ask({
    title,
    content: (
      <>
        {content}
        <Field label={label} help={help}>
          <input
            required={!isOptional}
            maxLength={500}
            id="reason"
            name="reason"
            pattern=".*\S.*"
            autocomplete="off"
          />
        </Field>
      </>
    ),
    ...buttons,
  });
}

export const reasonOf = (data: FormData): string => String(data.get('reason')).trim();

/** Why items are given up. @returns undefined when the operator cancelled */
export async function askForDiscard(title: string, warning: string): Promise<string | undefined> {
  const data = await askWithReason({
    title,
    content: <p>{warning}</p>,
    confirm: say('parked.discard'),
    isDangerous: true,
  });
  return data && reasonOf(data);
}
