import type { ComponentChildren } from 'preact';
import { formatDuration } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { Moment } from './moment.tsx';

export interface TimelineStep {
  at: string;
  code: string;
  /** In place of the word of the code. */
  title?: string;
  isBad?: boolean;
  /** What more there is to it, and who it was. */
  children: ComponentChildren;
}

/** What happened, in order of time, each step with the time since the one before. */
export function Timeline({ steps }: { steps: readonly TimelineStep[] }) {
  return (
    <ol class="timeline">
      {steps.map(({ at, code, title, isBad, children }, i) => (
        <li key={i} class={`step ${code.toLowerCase().replaceAll('_', '-')}${isBad ? ' bad' : ''}`}>
          <strong>{title ?? sayCode('step', code)}</strong>
          <span>
            <Moment iso={at} isExact /> <Since at={at} before={steps[i - 1]?.at} />
          </span>
          <span class="soft">{children}</span>
        </li>
      ))}
    </ol>
  );
}

function Since({ at, before }: { at: string; before: string | undefined }) {
  if (before === undefined) return null;
  return (
    <span class="soft" title={say('timeline.since')}>
      +{formatDuration(Date.parse(at) - Date.parse(before))}
    </span>
  );
}
