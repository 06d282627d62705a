import { sayCode } from '../language.ts';

type Tone = 'good' | 'bad' | 'busy' | 'quiet' | 'warn';

const tones: Record<string, Tone> = {
  ...{ SUCCESS: 'good', FAILED: 'bad', PROCESSING: 'busy' },
  ...{ OPEN: 'good', SCHEDULED: 'busy', PAUSED: 'warn' },
  ...{ PARKED: 'warn', REPLAYED: 'good', ENABLED: 'good', DISABLED: 'warn' },
  ...{ PENDING: 'busy', PAID: 'good', REFUNDING: 'warn', RUNNING: 'busy', DONE: 'good', ABORTED: 'warn' },
};

/** A state as a word with a colour: the colour alone says nothing. */
export function State({ of }: { of: string }) {
  return <Badge tone={tones[of] ?? 'quiet'}>{sayCode('state', of)}</Badge>;
}

export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
