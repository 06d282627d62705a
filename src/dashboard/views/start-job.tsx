import type { ParkedJob } from '../../api/answers.ts';
import { post } from '../api.ts';
import { formatCount } from '../format.ts';
import { say, type WordKey } from '../language.ts';
import { Action } from '../parts/action.tsx';
import { Field } from '../parts/field.tsx';
import type { Chosen } from '../parts/filters.tsx';
import type { Notice } from '../parts/notice.tsx';
import { goTo } from '../where.ts';
import { askWithReason, reasonOf } from './ask-reason.tsx';
import { pickJobFilter, sayFilter } from './job-parts.tsx';

type JobAction = ParkedJob['action'];

const words: Readonly<Record<JobAction, Record<'all' | 'title' | 'warning', WordKey>>> = {
  replay: { all: 'job.replayAll', title: 'job.replayTitle', warning: 'job.replayWarning' },
  discard: { all: 'job.discardAll', title: 'parked.discardMany', warning: 'parked.discardManyWarning' },
};

interface StartJobProps {
  chosen: Chosen;
  /** undefined: not counted yet. */
  matched: number | undefined;
  notice: Notice;
  reload: () => Promise<unknown>;
}

/** Everything that the filter matches, however many pages it fills. */
export function StartJob({ chosen, matched, notice, reload }: StartJobProps) {
  const filter = pickJobFilter(chosen);
  if (!matched) return null;
  const start = async (action: JobAction) => {
    const note = await askToStart(action, filter, matched);
    if (note === undefined) return;
    const job = await post<ParkedJob>('parked/jobs', { action, filter, ...(note === '' ? {} : { note }) });
    if (job.matched !== 0) return goTo('parked', `jobs/${job.id}`);
    // Others resolved the items while the dialog was open.
    await reload();
    notice.warn(say('job.matchedNothing'));
  };
  const button = (action: JobAction) => (
    <Action
      label={say(words[action].all, { count: formatCount(matched) })}
      kind={action === 'discard' ? 'danger' : 'plain'}
      id={`${action}-all`}
      notice={notice}
      act={() => start(action)}
    />
  );
  return (
    <p class="buttons">
      {button('replay')}
      {button('discard')}
    </p>
  );
}

/**
 * Without a filter the number of items must be typed: nothing else limits what the job does.
 *
 * @returns the note, '' without one; undefined when the operator cancelled
 */
async function askToStart(
  action: JobAction,
  filter: Record<string, string>,
  matched: number,
): Promise<string | undefined> {
  const isDiscard = action === 'discard';
  const isEverything = Object.keys(filter).length === 0;
  const count = formatCount(matched);
  const { title, warning, all } = words[action];
  const data = await askWithReason({
    title: say(title, { count }),
    content: (
      <>
        <p class="matching">{sayFilter(filter)}</p>
        <p>{say(warning)}</p>
        <p>{say('job.scope')}</p>
        {isEverything && (
          <Field label={say('job.typeCount', { count: String(matched) })}>
            <input name="count" inputMode="numeric" required pattern={String(matched)} autocomplete="off" />
          </Field>
        )}
      </>
    ),
    label: say(isDiscard ? 'instance.reason' : 'job.note'),
    isOptional: !isDiscard,
    confirm: say(all, { count }),
    isDangerous: isDiscard,
  });
  return data && reasonOf(data);
}
