import type { TimelineEntry } from '../../api/answers.ts';
import { formatDuration } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { sayStatement } from '../words/say-statement.ts';
import { Moment } from './moment.tsx';

/** What happened, in order of time, each step with the time since the one before. */
export function Timeline({
  steps,
  isFailed = false,
}: {
  steps: readonly TimelineEntry[];
  isFailed?: boolean;
}) {
  return (
    <ol class="timeline">
      {steps.map((entry, i) => (
        <Step key={i} entry={entry} before={steps[i - 1]?.at} isFailed={isFailed} />
      ))}
    </ol>
  );
}

function Step({
  entry,
  before,
  isFailed,
}: {
  entry: TimelineEntry;
  before: string | undefined;
  isFailed: boolean;
}) {
  const { at, step, detail, by } = entry;
  const elapsedMs = before === undefined ? 0 : Date.parse(at) - Date.parse(before);
  const outcome = step === 'SETTLED' && isFailed ? ' bad' : '';
  return (
    <li class={`step ${step.toLowerCase().replaceAll('_', '-')}${outcome}`}>
      <strong>{sayCode('step', step)}</strong>
      <span>
        <Moment iso={at} isExact />{' '}
        {before !== undefined && (
          <span class="soft" title={say('timeline.since')}>
            +{formatDuration(elapsedMs)}
          </span>
        )}
      </span>
      <span class="soft">
        {[detail, by].flatMap((statement) => (statement ? [sayStatement(statement)] : [])).join(' · ')}
      </span>
    </li>
  );
}
