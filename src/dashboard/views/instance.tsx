import type { InstanceStory, TimelineEntry } from '../../api/answers.ts';
import { about } from '../about.ts';
import { get, post } from '../api.ts';
import { say, sayCode } from '../language.ts';
import { nameProduct } from '../live/product-names.ts';
import { ActivityLink, mergeActivity, useActivity } from '../parts/activity-of.tsx';
import { State } from '../parts/badge.tsx';
import { Copy } from '../parts/copy.tsx';
import { Facts } from '../parts/facts.tsx';
import { Head } from '../parts/head.tsx';
import { Lines } from '../parts/lines.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failure, Noticed, useNotice } from '../parts/notice.tsx';
import { markedRefunded, type Offer, Offers, refundRequested } from '../parts/offers.tsx';
import { Timeline, type TimelineStep } from '../parts/timeline.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { sayReason, sayStatement } from '../words/say-statement.ts';
import { markRefunded } from './mark-refunded.tsx';

const askAgainMs = 1_000;

/** One instance: what it is, what happened to it, what was restocked. Followed until nothing more will come. */
export const InstanceStoryView: View = ({ id }) => {
  const notice = useNotice();
  const { data, error, reload } = useLoad(
    (signal) => get<InstanceStory>(`instances/${encodeURIComponent(id)}`, {}, signal),
    [id],
    (instance) => (isOver(instance) ? 0 : askAgainMs),
  );
  const records = useActivity({ kind: 'instance', id }, data?.timeline.length);
  return (
    <>
      <Head
        title={say('instance.title', { id })}
        trail={<a href={writeRoute('instances')}>{say('instances.title')}</a>}
      />
      <Failure error={error} />
      {data && (
        <>
          <InstanceState instance={data} />
          <Facts facts={listFacts(data)} />
          <Offers offers={listOffers(data)} notice={notice} onDone={reload} />
          <Noticed notice={notice} />
          <h2>{say('instance.timeline')}</h2>
          <Timeline
            steps={mergeActivity(
              data.timeline.map((entry) => toStep(entry, data.status === 'FAILED')),
              records,
            )}
          />
          <ActivityLink kind="instance" id={id} records={records} />
          <details>
            <summary>{say('instance.json')}</summary>
            <Lines text={JSON.stringify(data, undefined, 2)} label={say('instance.json')} />
          </details>
        </>
      )}
    </>
  );
};

const wayBack = ['RESTOCKED', 'REFUNDED', 'NOTHING_OWED', 'RESTOCK_REQUESTED', 'REFUND_REQUESTED'];

/** Settled, and what is owed for a failed one is restocked. A refund is the payment side's and may take days. */
function isOver({ status, timeline }: InstanceStory): boolean {
  const ends = wayBack.filter((step) => step !== 'RESTOCK_REQUESTED');
  return status === 'SUCCESS' || (status === 'FAILED' && timeline.some(({ step }) => ends.includes(step)));
}

function toStep({ at, step, detail, by }: TimelineEntry, isFailed: boolean): TimelineStep {
  const statements = [detail, by].flatMap((statement) => (statement ? [sayStatement(statement)] : []));
  const said = statements.join(' · ');
  const children =
    detail?.code === 'PARKED' ? (
      <a href={writeRoute('parked', detail.params.id)}>
        #{detail.params.id} {said}
      </a>
    ) : (
      said
    );
  return { at, code: step, isBad: step === 'SETTLED' && isFailed, children };
}

/** Only this speaks when something changes; the rest is there to be read. */
function InstanceState({ instance: { status, reason, timeline } }: { instance: InstanceStory }) {
  const back = timeline.findLast(({ step }) => wayBack.includes(step));
  return (
    <p class="state" role="status">
      <State of={status} /> {reason && sayReason(reason)}
      {back && (
        <span class="back" id="restocked">
          <Recovered entry={back} />
        </span>
      )}
    </p>
  );
}

/** A unit of a sale that is not Weir's did not go back to it, and the step says so. */
function Recovered({ entry: { step, detail } }: { entry: TimelineEntry }) {
  return <span>{step === 'RESTOCKED' && detail ? sayStatement(detail) : sayCode('back', step)}</span>;
}

/** A settled instance is not asked about again by itself, so the view loads it after each. */
function listOffers({ instanceId, status, source, sourceId, timeline }: InstanceStory): Offer[] {
  const has = (code: string) => timeline.some(({ step }) => step === code);
  const owesRefund = source === 'ORDER' && has('REFUND_REQUESTED') && !has('REFUNDED');
  return [
    {
      ...{ id: 'retry', label: 'instance.retry', hint: 'instance.retryHint', done: 'instance.retried' },
      isOffered: status === 'PROCESSING',
      act: () => post(`instances/${instanceId}/retry`),
    },
    {
      ...{
        id: 'release',
        label: 'instance.release',
        hint: 'instance.releaseHint',
        done: 'instance.released',
      },
      isOffered: status === 'FAILED',
      act: () => post(`instances/${instanceId}/release`),
    },
    {
      ...refundRequested,
      isOffered: owesRefund,
      act: () => post(`orders/${encodeURIComponent(sourceId)}/refund-again`),
    },
    {
      // An order that is kept elsewhere has no page of its own.
      ...markedRefunded,
      isOffered: owesRefund,
      act: () => markRefunded(sourceId),
    },
  ];
}

function listFacts(instance: InstanceStory) {
  const { instanceId, source, sourceId, scope, productId, userId, createdAt, updatedAt } = instance;
  const { traceUrl } = about.value;
  const link = (name: string, value: string, text = value) => (
    <a href={writeRoute('instances', undefined, { [name]: value })}>{text}</a>
  );
  return [
    [say('instance.id'), <Copy key="id" text={instanceId} />],
    [say('instance.source'), link('source', source)],
    [say('instance.sourceId'), <Copy key="sourceId" text={sourceId} />],
    [say('order.title'), source === 'ORDER' && <a href={writeRoute('orders', sourceId)}>{sourceId}</a>],
    [say('instance.scope'), scope],
    [say('instance.product'), link('productId', productId, nameProduct(productId))],
    [say('instance.user'), link('userId', userId)],
    [say('instance.created'), <Moment key="created" iso={createdAt} />],
    [say('instance.updated'), <Moment key="updated" iso={updatedAt} />],
    [
      say('instance.trace'),
      traceUrl && <a href={traceUrl.replaceAll('{instanceId}', instanceId)}>{say('instance.findTraces')}</a>,
    ],
  ].map(([name, value]) => [String(name), value || undefined] as const);
}
