import type { InstanceStory } from '../../api/answers.ts';
import { post } from '../api.ts';
import { say, type WordKey } from '../language.ts';
import { Action, ScopeNeeded } from '../parts/action.tsx';
import type { Notice } from '../parts/notice.tsx';

interface ActionsProps {
  instance: InstanceStory;
  notice: Notice;
  /** After a request, since a settled instance is not asked about again by itself. */
  onDone: () => Promise<unknown>;
}

interface Offer {
  id: string;
  label: WordKey;
  hint: WordKey;
  done: WordKey;
  path: string;
  isOffered: boolean;
}

/** What an operator can do with one instance, each with what it will do; shown while it has an effect. */
export function InstanceActions({ instance, notice, onDone }: ActionsProps) {
  const offers = listOffers(instance).filter(({ isOffered }) => isOffered);
  if (offers.length === 0) return null;
  return (
    <div class="offers">
      {offers.map(({ id, label, hint, done, path }) => {
        const act = async () => {
          await post(path);
          await onDone();
          notice.say(say(done));
        };
        return (
          <p key={id} class="buttons">
            <Action label={say(label)} id={id} notice={notice} act={act} />
            <small>{say(hint)}</small>
          </p>
        );
      })}
      <ScopeNeeded scope="act" />
    </div>
  );
}

function listOffers({ instanceId, status, source, sourceId, timeline }: InstanceStory): Offer[] {
  const has = (code: string) => timeline.some(({ step }) => step === code);
  return [
    {
      ...{ id: 'retry', label: 'instance.retry', hint: 'instance.retryHint', done: 'instance.retried' },
      path: `instances/${instanceId}/retry`,
      isOffered: status === 'PROCESSING',
    },
    {
      ...{
        id: 'release',
        label: 'instance.release',
        hint: 'instance.releaseHint',
        done: 'instance.released',
      },
      path: `instances/${instanceId}/release`,
      isOffered: status === 'FAILED',
    },
    {
      ...{
        id: 'refund',
        label: 'instance.refund',
        hint: 'instance.refundHint',
        done: 'instance.refundRequested',
      },
      path: `orders/${encodeURIComponent(sourceId)}/refund-again`,
      isOffered: source === 'ORDER' && has('REFUND_REQUESTED') && !has('REFUNDED'),
    },
  ];
}
