import type { ParkedGroup, ParkedJob } from '../../api/answers.ts';
import { post } from '../api.ts';
import { formatCount } from '../format.ts';
import { say, type WordKey } from '../language.ts';
import { Action } from '../parts/action.tsx';
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
  groups: readonly ParkedGroup[] | undefined;
  notice: Notice;
  reload: () => Promise<unknown>;
}

/** Everything that the filter matches, however many pages it fills. Only with a filter: all that is parked is for the command line. */
export function StartJob({ chosen, groups, notice, reload }: StartJobProps) {
  const filter = pickJobFilter(chosen);
  const number = groups?.reduce((sum, group) => sum + group.count, 0) ?? 0;
  if (Object.keys(filter).length === 0 || number === 0) return null;
  const count = formatCount(number);
  const start = async (action: JobAction) => {
    const note = await askToStart(action, filter, count);
    if (note === undefined) return;
    const job = await post<ParkedJob>('parked/jobs', { action, filter, ...(note === '' ? {} : { note }) });
    if (job.matched !== 0) return goTo('parked', `jobs/${job.id}`);
    // Others resolved the items while the dialog was open.
    await reload();
    notice.warn(say('job.matchedNothing'));
  };
  const button = (action: JobAction) => (
    <Action
      label={say(words[action].all, { count })}
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

/** @returns the note, '' without one; undefined when the operator cancelled */
async function askToStart(
  action: JobAction,
  filter: Record<string, string>,
  count: string,
): Promise<string | undefined> {
  const isDiscard = action === 'discard';
  const { title, warning, all } = words[action];
  const data = await askWithReason({
    title: say(title, { count }),
    content: (
      <>
        <p class="matching">{sayFilter(filter)}</p>
        <p>{say(warning)}</p>
        <p>{say('job.scope')}</p>
      </>
    ),
    label: say(isDiscard ? 'parked.why' : 'job.note'),
    isOptional: !isDiscard,
    confirm: say(all, { count }),
    isDangerous: isDiscard,
  });
  return data && reasonOf(data);
}
