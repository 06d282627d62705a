import { get, onKeyRequired, Problem } from './api.ts';
import { listenToConnection } from './connection.ts';
import { make } from './element.ts';
import { chooseLanguage, currentLanguage, say, startLanguage } from './language.ts';
import { followNow } from './live/follow-now.ts';
import { pause } from './live/pause.ts';
import { listenToStatus, reportStatus } from './live/status.ts';
import { showFailedView } from './parts/failed-view.ts';
import { Notice } from './parts/notice.ts';
import { readRoute } from './route.ts';
import { findSession, forgetSession, logOut } from './session.ts';
import { Shell } from './shell.ts';
import { showLogin } from './views/login.ts';
import { findView, nameOf } from './views.ts';

/** A view that has its data this soon appears whole; a slower one appears empty and fills. */
const patienceMs = 300;
const askAgainMs = 1_000;

let shell: Shell;
let shown = new AbortController();
let following: AbortController | undefined;
let isTryOn = false;

async function start(): Promise<void> {
  startLanguage();
  buildShell();
  onKeyRequired(askForKey);
  addEventListener('hashchange', () => showCurrent(true));
  let wasLost = false;
  listenToConnection((connection) => {
    if (connection === 'lost') reportStatus(undefined);
    shell.showStatus();
    // Requests that failed while the server was unavailable are sent again.
    if (wasLost && connection === 'alive') {
      followStatus(false);
      enter();
    }
    wasLost = connection === 'lost';
  });
  listenToStatus(() => shell.showStatus());
  await enter();
}

async function enter(): Promise<void> {
  try {
    if (!(await findSession())) return;
    isTryOn = (await get<{ enabled: boolean }>('try')).enabled;
    buildShell();
    await showCurrent(false);
  } catch (error) {
    const notice = new Notice();
    shell.main.replaceChildren(notice.element);
    notice.fail(error);
    // It has only just started, or one of its stores is unavailable: nothing else would ask again.
    if (error instanceof Problem && error.status === 503) setTimeout(enter, askAgainMs);
  }
}

function buildShell(): void {
  shell = new Shell({
    isTryOn,
    async onLogOut() {
      await logOut();
      askForKey();
    },
    onLanguage() {
      chooseLanguage(currentLanguage() === 'en' ? 'zh' : 'en');
      buildShell();
      shell.language.focus();
      showCurrent(false);
    },
  });
  document.body.replaceChildren(...shell.elements);
}

async function showCurrent(isFocusMoved: boolean): Promise<void> {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const route = readRoute(location.hash);
  shell.mark(route.view);
  followStatus(nameOf(route, isTryOn) !== 'now');
  const focusedId = document.activeElement?.id;
  const place = make('div', { class: `view ${route.view}` });
  const onFailure = (error: unknown) => {
    if (!signal.aborted) showFailedView(place, say(`${nameOf(route, isTryOn)}.title`), error);
  };
  // What fails later than that is caught as well: the view is shown by then, and the notice comes into it.
  const view = await findView(route, isTryOn).catch(onFailure);
  const fill = async () => view?.(place, route, signal);
  await Promise.race([fill().catch(onFailure), pause(patienceMs, signal)]);
  if (signal.aborted) return;
  shell.main.replaceChildren(place);
  document.title = `${place.querySelector('h1')?.textContent ?? ''} · Weir`;
  if (isFocusMoved) moveFocus(place, focusedId);
}

/** The view of this moment follows the server by itself, and all others are followed for, so that one stream is open. */
function followStatus(isWanted: boolean): void {
  if (isWanted && !following) {
    following = new AbortController();
    followNow({ windowSeconds: 1 }, following.signal);
  } else if (!isWanted) {
    following?.abort();
    following = undefined;
  }
}

/** To where it was, as after a search, else to the title, so that a screen reader announces the position. */
function moveFocus(place: HTMLElement, focusedId: string | undefined): void {
  const before = focusedId ? place.querySelector<HTMLElement>(`#${CSS.escape(focusedId)}`) : null;
  (before ?? place.querySelector('h1'))?.focus({ preventScroll: before !== null });
  if (!before) scrollTo(0, 0);
}

/** Also when a session has run out while the page was open. */
function askForKey(): void {
  shown.abort();
  followStatus(false);
  if (shell.main.querySelector('#key')) return;
  forgetSession();
  reportStatus(undefined);
  buildShell();
  showLogin(shell.main, enter);
}

start();
