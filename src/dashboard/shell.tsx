import { about, hueOf } from './about.ts';
import { connection } from './connection.ts';
import { formatCount, formatZone } from './format.ts';
import { chooseLanguage, language, say, tagOf } from './language.ts';
import { countWaiting, status } from './live/status.ts';
import { openPalette } from './palette.tsx';
import { StatusStrip } from './parts/status-strip.tsx';
import { writeRoute } from './route.ts';
import { logOut, session } from './session.ts';
import { isTryOn } from './start.ts';
import { type ViewName, viewNames } from './views.ts';
import { where } from './where.ts';

/** The bar at the top: name, environment, connection, search, who, language, and what is wrong. */
export function Header() {
  const { name, version } = about.value;
  const who = session.value;
  const other = language.value === 'en' ? 'zh' : 'en';
  const isAlive = connection.value === 'alive';
  return (
    <header>
      <a class="brand" href={writeRoute('now')} title={version && say('shell.version', { version })}>
        <Mark />
        Weir
      </a>
      {name !== '' && (
        <strong class="environment" ref={(badge) => badge?.style.setProperty('--hue', String(hueOf(name)))}>
          {name}
        </strong>
      )}
      <span id="connection" role="status" class={`connection ${connection.value}`}>
        {say(isAlive ? 'shell.live' : 'shell.reconnecting')}
      </span>
      <span class="space" />
      {who && (
        <button type="button" id="find" onClick={openPalette} aria-keyshortcuts="Control+K /">
          {say('palette.open')} <kbd>/</kbd>
        </button>
      )}
      {who && !who.open && (
        <>
          <span class="who">{say('shell.who', { name: who.name, scopes: who.scopes.join(', ') })}</span>
          <button type="button" id="log-out" onClick={logOut}>
            {say('login.out')}
          </button>
        </>
      )}
      <button type="button" id="language" lang={tagOf(other)} onClick={() => chooseLanguage(other)}>
        {say('shell.otherLanguage')}
      </button>
      <StatusStrip />
    </header>
  );
}

/** What an operator has to do, next to the view where it is done. Overdue instances are only a part of their view. */
const counted: Partial<Record<ViewName, string>> = {
  parked: 'parked',
  instances: 'overdue',
  refunds: 'refunds',
};

export function Navigation() {
  const shown = viewNames.filter((name) => name !== 'try' || isTryOn.value);
  return (
    <nav class="views" aria-label={say('shell.views')}>
      {shown.map((name) => (
        <Entry key={name} of={name} />
      ))}
      {/* The operating documents, which are served with the page. */}
      <a href="guide.html" id="guide-link">
        {say('shell.guide')}
      </a>
      <span class="zone">{say('shell.zone', { zone: formatZone(new Date()) })}</span>
      {about.value.version !== '' && (
        <span class="version">{say('shell.version', { version: about.value.version })}</span>
      )}
    </nav>
  );
}

function Entry({ of }: { of: ViewName }) {
  const place = counted[of] ?? '';
  const isPart = place === 'overdue';
  const number = connection.value === 'alive' ? (countWaiting(status.value, place) ?? 0) : 0;
  const count = formatCount(number);
  return (
    <span class="entry">
      <a href={writeRoute(of)} aria-current={where.value.view === of ? 'page' : undefined}>
        {say(`${of}.title`)}
        {number > 0 && !isPart && (
          <>
            {' '}
            <span class="badge warn">{count}</span>
          </>
        )}
      </a>
      {number > 0 && isPart && (
        <a class="badge warn" href={writeRoute(of, undefined, { overdue: 'true' })}>
          {say('shell.overdue', { count })}
        </a>
      )}
    </span>
  );
}

/** Water behind a wall and what it lets through. */
function Mark() {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <path d="M2 6h8v12H2z" class="water" />
      <path d="M10 3h3v18h-3z" class="wall" />
      <path d="M13 14h9v4h-9z" class="water" />
    </svg>
  );
}
