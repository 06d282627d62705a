import {
  type CodeAndParams,
  describeAdvice,
  describeInvariant,
  describeStatement,
} from '../../api/describe.ts';
import { language, sayCode } from '../language.ts';
import { zhAuditAdvice, zhInvariants, zhSentences } from './zh-sentences.ts';

const isEnglish = () => language.value === 'en';

/** The sentence of what the server states; values that are codes themselves by their words. */
export function sayStatement({ code, params }: CodeAndParams): string {
  const named = Object.entries(params).map(([name, value]) => [name, sayValue(name, value)]);
  const statement = { code, params: Object.fromEntries(named) };
  return isEnglish() ? describeStatement(statement) : describeStatement(statement, zhSentences);
}

/** Why an instance failed or money goes back: a code of Weir's, else the words of the program that sent it. */
export function sayReason(reason: string): string {
  return sayCode('failure', reason);
}

/** What to do about an exception of the audit. */
export function sayAuditAdvice(exception: CodeAndParams & { id: string }): string {
  return isEnglish() ? describeAdvice(exception) : describeAdvice(exception, zhAuditAdvice);
}

/** What a sum of the audit compares. */
export function sayInvariant(name: string): string {
  return isEnglish() ? describeInvariant(name) : describeInvariant(name, zhInvariants);
}

function sayValue(name: string, value: string): string {
  if (name === 'origin') return sayCode('origin', value);
  if (name === 'status') return sayCode('state', value);
  if (name === 'outcome') return sayCode('settled', value);
  return name === 'reason' ? sayReason(value) : value;
}
