import { Problem, Unreachable } from '../api.ts';
import { type Child, make } from '../element.ts';
import { currentLanguage, say } from '../language.ts';

/** What became of an action, where the action was. Announced once by a screen reader. */
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

function explain(error: unknown): HTMLElement[] {
  if (error instanceof Unreachable) return [make('p', {}, say('problem.unreachable'))];
  if (!(error instanceof Problem)) {
    return [
      make('p', {}, say('problem.page', { what: error instanceof Error ? error.message : String(error) })),
    ];
  }
  // The API speaks English; a screen reader should as well.
  const lang = currentLanguage() === 'en' ? undefined : 'en';
  return [
    make('p', { lang }, make('strong', {}, error.message), ' ', make('code', {}, error.code)),
    ...(error.advice ? [make('p', { lang }, error.advice)] : []),
  ];
}
