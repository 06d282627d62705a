import type { InstanceStory, TimelineEntry } from '../../api/answers.ts';
import { get, Problem } from '../api.ts';
import { make } from '../element.ts';
import { say, sayCode } from '../language.ts';
import { poll } from '../live/poll.ts';
import { makeBadge } from '../parts/badge.ts';
import { makeFacts } from '../parts/facts.ts';
import { makeMoment } from '../parts/moment.ts';
import { Notice } from '../parts/notice.ts';
import { writeRoute } from '../route.ts';
import { sayReason, sayStatement } from '../words/say-statement.ts';
import { InstanceActions } from './instance-actions.ts';
import type { View } from './view.ts';

const askAgainMs = 1_000;

/** One instance: what it is, what happened to it, what was restocked. Followed until nothing more will come. */
export const showInstance: View = (place, { id = '' }, signal) => {
  const notice = new Notice();
  const story = new Story();
  const show = async () => {
    const instance = await get<InstanceStory>(`instances/${encodeURIComponent(id)}`, {}, signal);
    story.show(instance);
    actions.show(instance);
    return isOver(instance) ? ('done' as const) : undefined;
  };
  const actions = new InstanceActions(id, notice, show);
  place.append(
    make('p', { class: 'trail' }, make('a', { href: writeRoute('instances') }, say('instances.title'))),
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('instance.title', { id }))),
    notice.element,
    story.element,
    actions.element,
  );
  return new Promise((resolve) => {
    const onFailure = (error: unknown) => notice.fail(error);
    // An id that does not exist will not come to be.
    const work = () =>
      show()
        .catch((error) => {
          onFailure(error);
          return error instanceof Problem && error.status < 500 ? ('done' as const) : undefined;
        })
        .finally(() => resolve(undefined));
    poll(askAgainMs, work, onFailure, signal);
  });
};

const wayBack = ['RESTOCKED', 'REFUNDED', 'NOTHING_OWED', 'RESTOCK_REQUESTED', 'REFUND_REQUESTED'];

/** Settled, and what is owed for a failed one is restocked. A refund is the payment side's and may take days. */
function isOver({ status, timeline }: InstanceStory): boolean {
  if (status === 'PROCESSING') return false;
  const steps = timeline.map(({ step }) => step);
  return (
    status === 'SUCCESS' ||
    ['RESTOCKED', 'REFUNDED', 'NOTHING_OWED', 'REFUND_REQUESTED'].some((step) => steps.includes(step))
  );
}

class Story {
  /** Only this speaks when something changes; the rest is there to be read. */
  readonly #state = make('p', { class: 'state', role: 'status' });
  readonly #facts = make('div');
  readonly #steps = make('ol', { class: 'timeline' });
  readonly element = make(
    'div',
    { class: 'story', hidden: true },
    this.#state,
    this.#facts,
    make('h2', {}, say('instance.timeline')),
    this.#steps,
  );
  #shown = '';

  show(instance: InstanceStory): void {
    const text = JSON.stringify(instance);
    if (text === this.#shown) return;
    this.#shown = text;
    this.element.hidden = false;
    const back = instance.timeline.findLast(({ step }) => wayBack.includes(step));
    this.#state.replaceChildren(
      makeBadge(instance.status),
      ...(instance.reason ? [' ', sayReason(instance.reason)] : []),
      ...(back ? [make('span', { class: 'back', id: 'restocked' }, reportRecovered(back))] : []),
    );
    this.#facts.replaceChildren(makeInstanceFacts(instance));
    const isFailed = instance.status === 'FAILED';
    this.#steps.replaceChildren(...instance.timeline.map((entry) => makeStep(entry, isFailed)));
  }
}

/** A unit of a sale that is not Weir's did not go back to it, and the step says so. */
function reportRecovered({ step, detail }: TimelineEntry): string {
  return step === 'RESTOCKED' && detail ? sayStatement(detail) : sayCode('back', step);
}

function makeInstanceFacts(instance: InstanceStory): HTMLElement {
  const { source, sourceId, scope, productId, userId, createdAt, updatedAt } = instance;
  const link = (name: string, value: string) =>
    make('a', { href: writeRoute('instances', undefined, { [name]: value }) }, value);
  return makeFacts([
    [say('instance.source'), source],
    [say('instance.sourceId'), sourceId],
    [say('instance.scope'), scope === '' ? undefined : scope],
    [say('instance.product'), link('productId', productId)],
    [say('instance.user'), link('q', userId)],
    [say('instance.created'), makeMoment(createdAt)],
    [say('instance.updated'), makeMoment(updatedAt)],
  ]);
}

function makeStep({ at, step, detail, by }: TimelineEntry, isFailed: boolean): HTMLElement {
  const outcome = step === 'SETTLED' && isFailed ? ' bad' : '';
  return make(
    'li',
    { class: `step ${step.toLowerCase().replaceAll('_', '-')}${outcome}` },
    make('strong', {}, sayCode('step', step)),
    makeMoment(at, true),
    make(
      'span',
      { class: 'soft' },
      [detail, by].flatMap((statement) => (statement ? [sayStatement(statement)] : [])).join(' · '),
    ),
  );
}
