import { make } from '../element.ts';
import { sayCode } from '../language.ts';

type Tone = 'good' | 'bad' | 'busy' | 'quiet' | 'warn';

const tones: Record<string, Tone> = {
  SUCCESS: 'good',
  FAILED: 'bad',
  PROCESSING: 'busy',
  OPEN: 'good',
  SCHEDULED: 'busy',
  PAUSED: 'warn',
  SOLD_OUT: 'quiet',
  ENDED: 'quiet',
  PARKED: 'warn',
  REPLAYED: 'good',
  DISCARDED: 'quiet',
  ENABLED: 'good',
  DISABLED: 'warn',
};

/** A state as a word with a colour: the colour alone says nothing. */
export function makeBadge(state: string): HTMLElement {
  return makeToned(tones[state] ?? 'quiet', sayCode('state', state));
}

export function makeToned(tone: Tone, text: string): HTMLElement {
  return make('span', { class: `badge ${tone}` }, text);
}
