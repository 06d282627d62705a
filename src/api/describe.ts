import { auditAdvice, invariants, sentences } from './sentences.ts';

/** A statement as it travels: of a newer server its code may be unknown here. */
export interface CodeAndParams {
  code: string;
  params: Readonly<Record<string, string>>;
}

type Sentences = Readonly<Record<string, string>>;

/** The sentence of a code, in the language of the table; of an unknown code the code and its values. */
export function describeStatement({ code, params }: CodeAndParams, table: Sentences = sentences): string {
  const sentence = Object.hasOwn(table, code) ? table[code] : undefined;
  return sentence === undefined ? [code, ...Object.values(params)].join(' ') : fill(sentence, params);
}

/** What to do about an exception of the audit, whose `id` names the stream; '' when the code is unknown. */
export function describeAdvice(
  exception: CodeAndParams & { id: string },
  table: Sentences = auditAdvice,
): string {
  const { id, code, params } = exception;
  return Object.hasOwn(table, code) ? fill(table[code] ?? '', { stream: id, ...params }) : '';
}

/** What a sum of the audit compares; of an unknown one its name. */
export function describeInvariant(name: string, table: Sentences = invariants): string {
  return Object.hasOwn(table, name) ? (table[name] ?? name) : name;
}

function fill(sentence: string, params: Readonly<Record<string, string>>): string {
  return sentence.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '?');
}
