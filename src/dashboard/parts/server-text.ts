import { make } from '../element.ts';
import { currentLanguage } from '../language.ts';
import { zhProblems } from '../words/zh-problems.ts';

/** Of a code that has no words in the reader's language the server's own, marked as English. */
function makeText(english: string, known: string | undefined): HTMLElement {
  if (currentLanguage() === 'en') return make('span', {}, english);
  return known === undefined ? make('span', { lang: 'en' }, english) : make('span', {}, known);
}

/** What happened, of an error's code. */
export function makeWhat(code: string, detail = code): HTMLElement {
  return makeText(detail, Object.hasOwn(zhProblems, code) ? zhProblems[code]?.[0] : undefined);
}

export function makeAdvice(code: string, advice: string): HTMLElement {
  return makeText(advice, Object.hasOwn(zhProblems, code) ? zhProblems[code]?.[1] : undefined);
}
