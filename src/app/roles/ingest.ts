import { postgresInstanceLogs } from '../../adapters/postgres/instance-logs.ts';
import { parkItems } from '../../adapters/postgres/parked.ts';
import { isTransientDatabaseError } from '../../adapters/postgres/transient.ts';
import type { ParkedEntry } from '../../core/triggers/park-entries.ts';
import { SeckillStreamTrigger } from '../../core/triggers/seckill-stream.ts';
import { seckill } from '../../core/triggers/seckill-streams.ts';
import type { Components } from '../components.ts';
import { reportFailure } from '../report-failure.ts';
import { isDatabaseEmbedded } from '../stores.ts';

type IngestParts = Pick<
  Components,
  'config' | 'emit' | 'lifecycle' | 'readiness' | 'database' | 'creation' | 'gate' | 'streams' | 'tracing'
>;

/** With one more, commits only wait for each other. */
const commitsInFlight = 3;
/** An entry that was delivered more often is processed alone. */
const maxDeliveries = 16;
/** Finished entries stay on the stream this long, for other consumer groups and for operators. */
const keepFinishedMs = 900_000;

/** The role `ingest`: turns entries of seckill streams into instances. */
export function addIngest(components: IngestParts): void {
  const { lifecycle, readiness, streams } = components;
  readiness.streams = streams.notReady;
  const trigger = createSeckillTrigger(components);
  lifecycle.plan('seckill stream', (signal) => trigger.run(signal));
}

function createSeckillTrigger({
  config,
  emit,
  database,
  creation,
  gate,
  streams,
  tracing,
}: IngestParts): SeckillStreamTrigger {
  return new SeckillStreamTrigger(
    {
      streams: tracing.streams(streams.streams),
      createInstances: creation.createInstances,
      findFinished: postgresInstanceLogs(database).findFinished,
      park: (entries) => parkItems(database, entries.map(toParkedItem)),
      hasRoom: gate.hasRoom,
      isTransient: isTransientDatabaseError,
      onParked(entries) {
        emit({ type: 'entries parked', entries });
        // Not awaited: a rebuild waits for this very stream.
        for (const stream of findSoldTwice(entries)) {
          streams.guard?.distrust(stream).catch((error) => reportFailure(emit, 'sale guard')(error, 1));
        }
      },
      onFailure: reportFailure(emit, 'seckill stream'),
    },
    {
      ...config.seckill,
      maxInFlight: isDatabaseEmbedded(config.data) ? 1 : commitsInFlight,
      blockMs: 250,
      discoverEveryMs: 250,
      takeOverEveryMs: Math.min(5_000, config.seckill.minIdleMs),
      maxDeliveries,
      trimEveryMs: 10_000,
      keepFinishedMs,
    },
  );
}

function findSoldTwice(entries: readonly ParkedEntry[]): ReadonlySet<string> {
  return new Set(entries.filter(({ error }) => error.code === 'UNIT_SOLD_TWICE').map(({ stream }) => stream));
}

function toParkedItem({ stream, id, error, original }: ParkedEntry) {
  return {
    origin: 'STREAM' as const,
    reason: error.code,
    detail: error.message,
    params: error.params,
    source: seckill,
    scope: stream,
    sourceId: id,
    original,
  };
}
