import { Problem, Unreachable } from '../api.ts';
import { type Child, make } from '../element.ts';
import { currentLanguage, say } from '../language.ts';
import { makeAdvice, makeWhat } from './server-text.ts';

/** What became of an action, where the action was. Published once by a screen reader. */
export class Notice {
  readonly element = make('div', { class: 'notice', role: 'status' });

  say(...content: Child[]): void {
    this.#show('good', make('div', {}, ...content));
  }

  /** It was done only in part, or not yet. */
  warn(...content: Child[]): void {
    this.#show('warn', make('div', {}, ...content));
  }

  /** The API's own words: what happened, and what to do about it. */
  fail(error: unknown): void {
    this.#show('bad', ...explain(error));
  }

  clear(): void {
    this.element.className = 'notice';
    this.element.replaceChildren();
  }

  #show(tone: 'good' | 'warn' | 'bad', ...content: Node[]): void {
    this.element.className = `notice ${tone}`;
    this.element.replaceChildren(...content);
  }
}

function explain(error: unknown): Node[] {
  if (error instanceof Unreachable) return [make('p', {}, say('problem.unreachable'))];
  if (!(error instanceof Problem)) {
    return [
      make('p', {}, say('problem.page', { what: error instanceof Error ? error.message : String(error) })),
    ];
  }
  const { code, message, advice } = error;
  const what = make('p', {}, make('strong', {}, makeWhat(code, message)), ' ', make('code', {}, code));
  // In other languages the text of the code comes first, then the API's detail.
  const detail = currentLanguage() !== 'en' && make('p', { class: 'soft', lang: 'en' }, message);
  return [what, detail, advice && make('p', {}, makeAdvice(code, advice))].filter(
    (each) => each instanceof Node,
  );
}
