import { make } from '../element.ts';
import { currentLanguage } from '../language.ts';
import { zhProblems } from '../words/zh-problems.ts';
import { translateDetail, zhInvariants } from '../words/zh-server.ts';

/** The server sends English. Known texts are shown in the reader's language, others are marked as English. */
function makeText(english: string, known: string | undefined): HTMLElement {
  if (currentLanguage() === 'en') return make('span', {}, english);
  return known === undefined ? make('span', { lang: 'en' }, english) : make('span', {}, known);
}

/** What happened, of an error's code. */
export function makeWhat(code: string, detail: string): HTMLElement {
  return makeText(detail, Object.hasOwn(zhProblems, code) ? zhProblems[code]?.[0] : undefined);
}

/** Why an item stays parked: a replay's detail begins with the code. */
export function makeWhy(detail = '', code = /^[A-Z_]+(?=: )/.exec(detail)?.[0] ?? ''): HTMLElement {
  return makeWhat(code, detail === '' ? code : detail);
}

export function makeAdvice(code: string, advice: string): HTMLElement {
  return makeText(advice, Object.hasOwn(zhProblems, code) ? zhProblems[code]?.[1] : undefined);
}

export function makeInvariant(name: string, invariant: string): HTMLElement {
  return makeText(invariant, Object.hasOwn(zhInvariants, name) ? zhInvariants[name] : undefined);
}

/** A step of a timeline, a reason, who it was. */
export function makeDetail(text: string): HTMLElement {
  return makeText(text, translateDetail(text));
}
