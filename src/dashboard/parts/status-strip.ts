import { make } from '../element.ts';
import { formatCount, formatDuration, formatList } from '../format.ts';
import { say, sayCode } from '../language.ts';
import type { Trouble } from '../live/list-troubles.ts';
import { writeRoute } from '../route.ts';
import { sayStatement } from '../words/say-statement.ts';

/**
 * What is wrong at this moment, one line each, on every view. Nothing is drawn while all is well. A screen reader publishes a
 * line once, when it appears: a line that has not changed keeps its element.
 */
export class StatusStrip {
  readonly element = make('ul', {
    id: 'status',
    class: 'strip',
    role: 'list',
    'aria-label': say('strip.title'),
  });
  /** A list cannot be a live region itself. */
  readonly region = make('div', { class: 'strip-region', 'aria-live': 'polite' }, this.element);
  #lines = new Map<string, HTMLElement>();

  show(troubles: readonly Trouble[]): void {
    const lines = troubles.map((trouble) => [describe(trouble), trouble] as const);
    if (lines.map(([text]) => text).join('\n') === [...this.#lines.keys()].join('\n')) return;
    this.#lines = new Map(
      lines.map(([text, trouble]) => [text, this.#lines.get(text) ?? makeLine(text, trouble)]),
    );
    this.element.replaceChildren(...this.#lines.values());
  }
}

function describe(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'unreachable':
      return say('strip.unreachable');
    case 'store': {
      const names = formatList(trouble.names.map((name) => sayCode('store', name)));
      const why = trouble.why ? sayStatement(trouble.why) : '';
      return say('strip.store', { names, kind: sayCode('kind', trouble.storeKind), why });
    }
    case 'intakePaused':
      return say('strip.intakePaused');
    case 'audit':
      return say('strip.audit', { count: formatCount(trouble.exceptions) });
    case 'backlog': {
      // In whole minutes: a line that changes each second would be read out each second.
      const duration = formatDuration(Math.floor(trouble.waitedMs / 60_000) * 60_000);
      return say('strip.backlog', { where: sayCode('waiting', trouble.what), duration });
    }
  }
}

const warnings: readonly Trouble['kind'][] = ['intakePaused', 'backlog'];

/** The line links to the view that has the details. */
function makeLine(text: string, { kind }: Trouble): HTMLElement {
  const view = kind === 'unreachable' ? undefined : kind === 'audit' ? 'audit' : 'now';
  const content = view === undefined ? text : make('a', { href: writeRoute(view) }, text);
  return make('li', { class: warnings.includes(kind) ? 'warn' : 'bad' }, content);
}
