import type { InstanceStory } from '../../api/answers.ts';
import { post } from '../api.ts';
import { make, setText } from '../element.ts';
import { say } from '../language.ts';
import { explainScope, makeAction } from '../parts/action.ts';
import type { Notice } from '../parts/notice.ts';

/** What an operator can do with one instance. A button is shown while it has an effect. */
export class InstanceActions {
  readonly #notice: Notice;
  readonly #onDone: () => Promise<unknown>;
  readonly #hint = make('small');
  readonly #retry: HTMLElement;
  readonly #release: HTMLElement;
  readonly #refund: HTMLElement;
  readonly element: HTMLElement;
  #orderId = '';

  /** `onDone`: after a request, since a settled instance is not asked about again by itself. */
  constructor(id: string, notice: Notice, onDone: () => Promise<unknown>) {
    this.#notice = notice;
    this.#onDone = onDone;
    const path = `instances/${encodeURIComponent(id)}`;
    this.#retry = this.#make('retry', 'instance.retry', 'instance.retried', () => `${path}/retry`);
    this.#release = this.#make('release', 'instance.release', 'instance.released', () => `${path}/release`);
    const refund = () => `orders/${encodeURIComponent(this.#orderId)}/refund-again`;
    this.#refund = this.#make('refund', 'instance.refund', 'instance.refundRequested', refund);
    this.element = make(
      'div',
      { class: 'buttons', hidden: true },
      this.#retry,
      this.#release,
      this.#refund,
      this.#hint,
      explainScope('act'),
    );
  }

  show({ status, source, sourceId, timeline }: InstanceStory): void {
    const steps = timeline.map(({ step }) => step);
    this.#orderId = sourceId;
    this.#retry.hidden = status !== 'PROCESSING';
    this.#release.hidden = status !== 'FAILED';
    this.#refund.hidden =
      source !== 'ORDER' || !steps.includes('REFUND_REQUESTED') || steps.includes('REFUNDED');
    this.element.hidden = status === 'SUCCESS' && this.#refund.hidden;
    setText(this.#hint, say(status === 'PROCESSING' ? 'instance.retryHint' : 'instance.sameIdHint'));
  }

  #make(
    id: string,
    label: Parameters<typeof say>[0],
    done: Parameters<typeof say>[0],
    path: () => string,
  ): HTMLElement {
    return makeAction({
      label: say(label),
      id,
      notice: this.#notice,
      act: async () => {
        await post(path());
        await this.#onDone();
        this.#notice.say(say(done));
      },
    });
  }
}
