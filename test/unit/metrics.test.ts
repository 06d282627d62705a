import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { parkedReasons } from '../../src/core/parked/parked-item.ts';
import { WeirError } from '../../src/errors.ts';
import type { Audit } from '../../src/ops/audit/audit.ts';
import type { DatabaseBacklog, StreamBacklog, Waiting } from '../../src/ops/live/backlog.ts';
import { boundLabel } from '../../src/ops/telemetry/metrics/bound-label.ts';
import { createMetrics, type MeasuredConfig } from '../../src/ops/telemetry/metrics/metrics.ts';
import { measureReadiness } from '../../src/ops/telemetry/metrics/stores.ts';
import { runPromtool } from '../support/promtool.ts';

const everything: MeasuredConfig = {
  overdue: { deadlineMs: 600_000, maxPublications: 4 },
  server: { roles: ['http', 'ingest', 'relay', 'settle'] },
  audit: { everyMs: 60_000 },
  metrics: { backlogEveryMs: 5_000 },
};

function setUp(config: Partial<MeasuredConfig> = {}) {
  const registry = new Registry();
  const emit = createMetrics(registry, { ...everything, ...config });
  /** The series of a metric, as `labels value`. */
  const read = async (name: string) =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .map((line) => line.slice(name.length));
  return { registry, emit, read };
}

const answered = {
  type: 'request answered',
  requestId: 'r',
  method: 'GET',
  route: '/v1/orders/:orderId',
  status: 200,
  problem: undefined,
  durationMs: 3,
  traceparent: undefined,
} as const;

describe('a label whose values callers choose', () => {
  test('a label keeps known values and the first that come, and the rest share one', () => {
    const bound = boundLabel(3, ['ORDER']);
    expect(['A', 'B', 'C', 'ORDER', 'A', 'D'].map(bound)).toEqual(['A', 'B', 'other', 'ORDER', 'A', 'other']);
  });

  test('a label creates no more series however many values are tried', async () => {
    const { emit, read } = setUp();
    for (let n = 0; n < 1_000; n++) {
      emit({ type: 'instances created', counts: new Map([[`S${n}`, 1]]), durationMs: 1 });
    }
    for (const method of ['GET', 'PURGE', 'LINK', 'UNLINK']) emit({ ...answered, method });
    expect(await read('weir_instances_created_total')).toHaveLength(21);
    expect(await read('weir_instances_created_total')).toContain('{source="other"} 982');
    const methods = (await read('weir_http_request_duration_seconds_count')).map(
      (line) => /method="(\w+)"/.exec(line)?.[1],
    );
    expect(new Set(methods)).toEqual(new Set(['GET', '_OTHER']));
  });
});

test('a request is counted by its status class, a problem by its code', async () => {
  const { emit, read } = setUp();
  emit(answered);
  emit({ ...answered, status: 404, problem: 'ORDER_NOT_FOUND' });
  emit({ ...answered, status: 409, problem: 'SOLD_OUT' });
  const counts = await read('weir_http_request_duration_seconds_count');
  expect(counts).toEqual([
    '{method="GET",route="/v1/orders/:orderId",status_class="2xx"} 1',
    '{method="GET",route="/v1/orders/:orderId",status_class="4xx"} 2',
  ]);
  expect(await read('weir_http_problems_total')).toEqual([
    '{code="ORDER_NOT_FOUND"} 1',
    '{code="SOLD_OUT"} 1',
  ]);
});

test('what an alert counts the increase of is there at 0 before the first', async () => {
  const { read } = setUp();
  expect(await read('weir_parked_total')).toEqual(parkedReasons.map((reason) => `{reason="${reason}"} 0`));
  expect(await read('weir_instances_overdue_total')).toContain('{action="timed_out"} 0');
  expect(await read('weir_worker_leases_total')).toContain('{outcome="refused"} 0');
  expect(await read('weir_messages_refused_total')).toEqual([' 0']);
});

test('an entry that was parked counts for its reason', async () => {
  const { emit, read } = setUp();
  const error = new WeirError('ENTRY_DELETED', 'gone');
  emit({ type: 'entries parked', entries: [{ stream: 's', id: '1-0', error }] });
  emit({ type: 'messages refused', count: 2, why: 'no', parked: 1 });
  expect(await read('weir_parked_total')).toContain('{reason="ENTRY_DELETED"} 1');
  expect(await read('weir_parked_total')).toContain('{reason="MESSAGE_REFUSED"} 1');
});

test('results and their instances are counted by outcome, whichever way they came', async () => {
  const { emit, read } = setUp();
  expect(await read('weir_instances_settled_total')).toEqual(['{status="SUCCESS"} 0', '{status="FAILED"} 0']);
  emit({
    type: 'results judged',
    results: [{ status: 'SUCCESS' }, { status: 'FAILED' }, { status: 'SUCCESS' }, { status: 'FAILED' }],
    settled: ['applied', 'applied', 'late', 'contradicts'],
  });
  expect(await read('weir_instances_settled_total')).toEqual(['{status="SUCCESS"} 1', '{status="FAILED"} 1']);
  expect(await read('weir_results_total')).toEqual([
    '{outcome="applied"} 2',
    '{outcome="repeat"} 0',
    '{outcome="late"} 1',
    '{outcome="contradicts"} 1',
    '{outcome="unknown"} 0',
  ]);
});

test('an instance that Weir gave up is one more that FAILED', async () => {
  const { emit, read } = setUp();
  emit({ type: 'instances overdue', republished: 5, timedOut: 2 });
  expect(await read('weir_instances_settled_total')).toEqual(['{status="SUCCESS"} 0', '{status="FAILED"} 2']);
});

test.each([
  [1, 600],
  [2, 1200],
  [4, 4800],
])(
  'an instance published at most %i times is given up after %i seconds',
  async (maxPublications, seconds) => {
    const { read } = setUp({ overdue: { deadlineMs: 600_000, maxPublications } });
    expect(await read('weir_result_deadline_seconds')).toEqual([` ${seconds}`]);
  },
);

describe('the sums of the audit', () => {
  const sum = { name: 'events', expected: 5, actual: 2, difference: -3, exceptions: [] };
  const audit = (difference: number): Audit => ({
    ok: difference === 0,
    auditedAt: new Date(1_700_000_000_000),
    durationMs: 20,
    sums: [{ ...sum, difference }],
    waiting: { entries: 0, events: 1, processing: 0, overdue: 0, parked: 0, restocks: 0, refunds: 0 },
  });

  test('the gauges show the last periodic audit, whatever was asked for meanwhile', async () => {
    const { emit, read } = setUp();
    emit({ type: 'audited', audit: audit(-3), isPeriodic: false });
    expect(await read('weir_audit_difference')).toEqual([]);
    expect(await read('weir_audit_waiting')).toEqual([]);
    expect(await read('weir_audit_timestamp_seconds')).toEqual([' 0']);
    emit({ type: 'audited', audit: audit(0), isPeriodic: true });
    emit({ type: 'audited', audit: audit(-3), isPeriodic: false });
    expect(await read('weir_audit_difference')).toEqual(['{sum="events"} 0']);
    expect(await read('weir_audit_timestamp_seconds')).toEqual([' 1700000000']);
    expect(await read('weir_audit_duration_seconds_count')).toEqual([' 3']);
  });

  test.each<[string, Partial<MeasuredConfig>]>([
    ['has no role for it', { server: { roles: ['http', 'ingest', 'relay'] } }],
    ['runs no periodic audit', { audit: { everyMs: 0 } }],
  ])('metrics of other roles are absent in a process that %s', async (_, config) => {
    const { emit, read } = setUp(config);
    emit({ type: 'audited', audit: audit(-3), isPeriodic: false });
    expect(await read('weir_audit_timestamp_seconds')).toEqual([]);
    expect(await read('weir_audit_difference')).toEqual([]);
  });
});

describe('what waits', () => {
  const waiting = (count: number, oldestAgeMs: number): Waiting => ({ count, oldestAgeMs });
  const database: DatabaseBacklog = {
    outbox: new Map([['CREATED', waiting(7, 1500)]]),
    parked: new Map([['INTERNAL', waiting(2, 9000)]]),
    compensations: new Map(),
    processingAgeMs: 42_000,
    parkedJobs: { count: 2, oldestAgeMs: 4_000 },
    workerIds: 3,
  };
  const streams: StreamBacklog = { streams: 2, undelivered: 5, pending: 1, oldestAgeMs: 250 };
  const setUpRead = () => {
    const parts = setUp();
    parts.emit({ type: 'backlog read', backlog: { place: 'database', waiting: database } });
    parts.emit({ type: 'backlog read', backlog: { place: 'streams', waiting: streams } });
    return parts;
  };

  test('the backlog shows its age in seconds, and 0 where nothing waits', async () => {
    const { emit, read } = setUpRead();
    expect(await read('weir_outbox_waiting_events')).toEqual([
      '{kind="CREATED"} 7',
      '{kind="AGAIN"} 0',
      '{kind="RELEASE"} 0',
      '{kind="REFUND"} 0',
    ]);
    expect(await read('weir_outbox_oldest_age_seconds')).toContain('{kind="CREATED"} 1.5');
    expect(await read('weir_parked_items')).toContain('{reason="INTERNAL"} 2');
    expect(await read('weir_processing_oldest_age_seconds')).toEqual([' 42']);
    expect(await read('weir_stream_waiting_entries')).toEqual([
      '{state="undelivered"} 5',
      '{state="pending"} 1',
    ]);
    expect(await read('weir_stream_oldest_age_seconds')).toEqual([' 0.25']);
    emit({
      type: 'backlog read',
      backlog: { place: 'database', waiting: { ...database, outbox: new Map() } },
    });
    expect(await read('weir_outbox_waiting_events')).toContain('{kind="CREATED"} 0');
  });

  const places = ['database', 'streams'] as const;
  test.each(places)('the backlog has no stale figures while the %s cannot be read', async (away) => {
    const { emit, read } = setUpRead();
    const backlog = { place: away, waiting: undefined, error: new Error('away'), attempt: 1 } as const;
    emit({ type: 'backlog read', backlog });
    const gone = { database: away === 'database', streams: away === 'streams' };
    expect(await read('weir_outbox_waiting_events')).toHaveLength(gone.database ? 0 : 4);
    expect(await read('weir_parked_oldest_age_seconds')).toHaveLength(
      gone.database ? 0 : parkedReasons.length,
    );
    expect(await read('weir_processing_oldest_age_seconds')).toEqual([gone.database ? ' Nan' : ' 42']);
    expect(await read('weir_stream_waiting_entries')).toHaveLength(gone.streams ? 0 : 2);
    expect(await read('weir_stream_oldest_age_seconds')).toEqual([gone.streams ? ' Nan' : ' 0.25']);
    expect(await read('weir_backlog_known')).toEqual([
      `{place="database"} ${gone.database ? 0 : 1}`,
      `{place="streams"} ${gone.streams ? 0 : 1}`,
    ]);
    expect(await read('weir_store_failures_total')).toEqual([`{store="backlog ${away}"} 1`]);
  });

  test.each<[string, Partial<MeasuredConfig>, string[]]>([
    ['every place that a process asks', {}, ['database', 'streams']],
    ['no stream where it reads none', { server: { roles: ['http', 'relay', 'settle'] } }, ['database']],
    ['nothing where it reads none', { metrics: { backlogEveryMs: 0 } }, []],
  ])('the backlog is unknown until the first read: %s', async (_, config, places) => {
    const { read } = setUp(config);
    expect(await read('weir_backlog_known')).toEqual(places.map((place) => `{place="${place}"} 0`));
  });
});

test('whether a store can be used is asked at each scrape', async () => {
  const { registry, read } = setUp();
  let reason: string | undefined = 'it is away';
  measureReadiness(registry, {
    start: () => 'not a store',
    queue: () => reason,
    database: async () => undefined,
  });
  expect(await read('weir_store_up')).toEqual(['{store="queue"} 0', '{store="database"} 1']);
  reason = undefined;
  expect(await read('weir_store_up')).toEqual(['{store="queue"} 1', '{store="database"} 1']);
});

test('promtool finds no fault with them before anything has happened', async (context) => {
  const { registry } = setUp();
  expect(await runPromtool(context, ['check', 'metrics'], await registry.metrics())).toEqual({
    code: 0,
    said: '',
  });
});
