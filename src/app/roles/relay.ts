import { Relay } from '../../core/outbox/relay.ts';
import type { Components } from '../components.ts';
import { openPublisher } from '../queues.ts';
import { reportFailure } from '../report-failure.ts';
import { isDatabaseEmbedded } from '../stores.ts';

type RelayParts = Pick<
  Components,
  | 'config'
  | 'emit'
  | 'lifecycle'
  | 'readiness'
  | 'queueDatabase'
  | 'outbox'
  | 'committed'
  | 'tracing'
  | 'outages'
>;

const drainMs = 5_000;
/** Approximate number of unconfirmed events of one lane. */
const windowEvents = 2_000;

/** The role `relay`: publishes outbox batches. */
export function addRelay(components: RelayParts): void {
  const { config, emit, lifecycle, readiness, queueDatabase, outbox, committed, outages } = components;
  const { publisher, close } = openPublisher(config.data.rabbitmq, queueDatabase, emit);
  lifecycle.defer('publisher', close);
  readiness.queue = () => publisher.notReady ?? publisher.refusing;
  const relay = new Relay(
    {
      outbox,
      publisher: components.tracing.publisher(publisher),
      signal: committed,
      onPublished: (count, durationMs) => emit({ type: 'events published', count, durationMs }),
      onRefused: (refusals, parked) =>
        emit({ type: 'messages refused', count: refusals.length, why: refusals[0]?.why ?? '', parked }),
      onFailure: reportFailure(emit, 'outbox'),
    },
    { windowEvents, maxIdleMs: 1_000, maxRefusals: 5 },
  );
  outages.onOver(relay.resume);
  // One transaction at a time when the queue or the database is embedded.
  const lanes = isDatabaseEmbedded(config.data) || config.data.rabbitmq.url === '' ? 1 : config.outbox.lanes;
  for (let lane = 1; lane <= lanes; lane++) {
    lifecycle.plan(`relay lane ${lane}`, (signal) => relay.run(lane, signal));
  }
  lifecycle.planLast('relay drain', () => relay.drain(AbortSignal.timeout(drainMs)));
}
