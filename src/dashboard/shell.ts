import { currentConnection } from './connection.ts';
import { make, makeSvg, setText } from './element.ts';
import { formatCount, formatZone } from './format.ts';
import { currentLanguage, say } from './language.ts';
import { listTroubles } from './live/list-troubles.ts';
import { countParked, currentStatus } from './live/status.ts';
import { StatusStrip } from './parts/status-strip.ts';
import { writeRoute } from './route.ts';
import { currentSession } from './session.ts';
import { viewNames } from './views.ts';

interface ShellDeps {
  isTryOn: boolean;
  onLanguage: () => void;
  onLogOut: () => void;
}

/** What stands around every view: name, navigation, connection, status, language, who. */
export class Shell {
  readonly elements: HTMLElement[];
  readonly main = make('main', { id: 'main', tabindex: -1 });
  readonly language: HTMLButtonElement;
  readonly #links = new Map<string, HTMLAnchorElement>();
  readonly #connection = make('span', { id: 'connection', role: 'status' });
  readonly #strip = new StatusStrip();
  readonly #parked = make('span', { class: 'badge warn', hidden: true });

  constructor({ isTryOn, onLanguage, onLogOut }: ShellDeps) {
    const other = currentLanguage() === 'en' ? 'zh' : 'en';
    this.language = make(
      'button',
      { type: 'button', id: 'language', lang: other === 'zh' ? 'zh-CN' : 'en', onclick: onLanguage },
      say('shell.otherLanguage'),
    );
    const session = currentSession();
    const skip = make('a', { class: 'skip', href: '#main' }, say('shell.skip'));
    // The address names the view: the link must not change it.
    skip.addEventListener('click', (event) => {
      event.preventDefault();
      this.main.focus();
    });
    this.elements = [
      skip,
      make(
        'header',
        {},
        make('a', { class: 'brand', href: writeRoute('now') }, drawMark(), 'Weir'),
        this.#connection,
        make('span', { class: 'space' }),
        session &&
          !session.open &&
          make(
            'span',
            { class: 'who' },
            say('shell.who', { name: session.name, scopes: session.scopes.join(', ') }),
          ),
        session &&
          !session.open &&
          make('button', { type: 'button', id: 'log-out', onclick: onLogOut }, say('login.out')),
        this.language,
        this.#strip.region,
      ),
      make(
        'nav',
        { class: 'views', 'aria-label': say('shell.views') },
        ...this.#makeLinks(isTryOn),
        linkGuide(),
        make('span', { class: 'zone' }, say('shell.zone', { zone: formatZone(new Date()) })),
      ),
      this.main,
    ];
    this.showStatus();
  }

  /** Marks the link of the view that is shown. */
  mark(view: string): void {
    for (const [name, link] of this.#links) {
      if (name === view) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  /** Whether the server is there, and what it reported last. */
  showStatus(): void {
    const [connection, status] = [currentConnection(), currentStatus()];
    this.#strip.show(listTroubles(connection === 'alive', status));
    const parked = connection === 'alive' ? (countParked(status) ?? 0) : 0;
    this.#parked.hidden = parked === 0;
    setText(this.#parked, formatCount(parked));
    this.#connection.className = `connection ${connection}`;
    setText(this.#connection, say(connection === 'alive' ? 'shell.live' : 'shell.reconnecting'));
  }

  #makeLinks(isTryOn: boolean): HTMLElement[] {
    return viewNames
      .filter((name) => name !== 'try' || isTryOn)
      .map((name) => {
        const badge = name === 'parked' && this.#parked;
        const link = make('a', { href: writeRoute(name) }, say(`${name}.nav`), badge && ' ', badge);
        this.#links.set(name, link);
        return link;
      });
  }
}

/** The operating documents, which are served with the page. */
function linkGuide(): HTMLElement {
  return make('a', { href: 'guide.html', id: 'guide-link' }, say('shell.guide'));
}

/** Water behind a wall and what it lets through. */
function drawMark(): SVGElement {
  return makeSvg(
    'svg',
    { viewBox: '0 0 24 24', width: 22, height: 22, 'aria-hidden': 'true' },
    makeSvg('path', { d: 'M2 6h8v12H2z', class: 'water' }),
    makeSvg('path', { d: 'M10 3h3v18h-3z', class: 'wall' }),
    makeSvg('path', { d: 'M13 14h9v4h-9z', class: 'water' }),
  );
}
