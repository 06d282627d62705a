import { cloneElement, type JSX, type VNode } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: string;
  hint?: string | undefined;
  /** A whole sentence below. */
  help?: string | undefined;
  children: VNode<{ id?: string; 'aria-describedby'?: string | undefined }>;
}

/** A labelled control. The label stands above, its hint at the other end of the line, so that forms line up in either language. */
export function Field({ label, hint, help, children }: FieldProps) {
  const made = useId();
  const id = children.props.id ?? made;
  const described = help === undefined ? {} : { 'aria-describedby': `${id}-help` };
  return (
    <div class="field">
      <label for={id}>
        {label} {hint !== undefined && <small>{hint}</small>}
      </label>
      {cloneElement(children, { id, ...described })}
      {help !== undefined && <small id={`${id}-help`}>{help}</small>}
    </div>
  );
}

interface SelectProps extends Omit<JSX.SelectHTMLAttributes<HTMLSelectElement>, 'size'> {
  options: readonly (readonly [value: string, label: string])[];
  chosen?: string | undefined;
}

export function Select({ options, chosen = '', ...rest }: SelectProps) {
  return (
    <select {...rest}>
      {options.map(([value, label]) => (
        <option key={value} value={value} selected={value === chosen}>
          {label}
        </option>
      ))}
    </select>
  );
}
