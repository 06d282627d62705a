import { computed, effect, signal } from '@preact/signals';
import type { About } from '../api/answers.ts';
import { about, drawIcon } from './about.ts';
import { get, onKeyRequired } from './api.ts';
import { connection } from './connection.ts';
import { startLanguage } from './language.ts';
import { followNow } from './live/follow-now.ts';
import { pause } from './live/pause.ts';
import { status } from './live/status.ts';
import { readRoute } from './route.ts';
import { findSession, loseSession, session } from './session.ts';
import { willPass } from './use-load.ts';
import { where } from './where.ts';

const askAgainMs = 1_000;

/** undefined: not known yet. */
export const isTryOn = signal<boolean | undefined>(undefined);
/** Why the page does not know yet who uses it. */
export const startFailure = signal<unknown>(undefined);

/** Sets up what lives as long as the page. */
export function start(): void {
  startLanguage();
  onKeyRequired(loseSession);
  addEventListener('hashchange', () => {
    where.value = readRoute(location.hash);
  });
  effect(() => {
    if (connection.value === 'lost' || session.value === null) status.value = undefined;
  });
  effect(() => {
    const icon = document.querySelector('link[rel="icon"]');
    if (about.value.name !== '') icon?.setAttribute('href', drawIcon(about.value.name));
  });
  effect(followStatus);
  effect(() => {
    // Also after a login, because the API refused it before.
    if (session.value !== null) untilKnown(learnServer);
  });
  untilKnown(findSession);
}

/** Not the whole address: the stream would begin again with each step from view to view, and report nothing to a hasty reader. */
const isFollowedByView = computed(() => where.value.view === 'now');

/** The view of this moment follows the server by itself, and all others are followed for, so that one stream is open. */
function followStatus(): (() => void) | undefined {
  if (isFollowedByView.value || !session.value) return;
  const stop = new AbortController();
  followNow({ windowSeconds: 1 }, stop.signal);
  return () => stop.abort();
}

async function learnServer(): Promise<void> {
  const [{ enabled }, self] = await Promise.all([get<{ enabled: boolean }>('try'), get<About>('about')]);
  isTryOn.value = enabled;
  about.value = self;
}

/** It has only just started, or one of its stores is unavailable: nothing else would ask again. */
async function untilKnown(learn: () => Promise<void>): Promise<void> {
  for (; ; await pause(askAgainMs, new AbortController().signal)) {
    try {
      await learn();
      startFailure.value = undefined;
      return;
    } catch (error) {
      if (session.value === null) return;
      startFailure.value = error;
      if (!willPass(error)) return;
    }
  }
}
