import { readFileSync } from 'node:fs';
import { connect } from 'amqplib';
import { beforeAll, describe, expect, test } from 'vitest';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { encodeResult } from '../../src/core/results/result.ts';
import { pollUntil } from '../support/poll-until.ts';
import { runPromtool } from '../support/promtool.ts';
import { queuesBeside, rabbitmqUrl } from '../support/stores.ts';
import { shareWeir } from './share-weir.ts';

const weir = shareWeir({
  WEIR_DEMO_ENABLED: 'true',
  WEIR_AUDIT_EVERYMS: '1000',
  WEIR_METRICS_BACKLOGEVERYMS: '1000',
});

/** A little of everything, until the metrics show it. */
beforeAll(async () => {
  const stream = 'stream:seckill:1001';
  await weir.redis.xadd(stream, '*', 'uid', '1');
  await weir.redis.xadd(stream, '*', 'uid', 'nobody');
  const paid = await weir.request('POST', '/v1/orders/M-1/paid', { productId: '1001', userId: '7' });
  await weir.request('GET', '/v1/orders/UNKNOWN');
  for (let n = 0; n < 40; n++) {
    await weir.request('POST', '/v1/instances', {
      source: `MADE_UP_${n}`,
      sourceId: 'x',
      productId: '1001',
      userId: '7',
    });
  }
  await weir.request('GET', `/v1/no/such/route/${Math.random()}`);
  await weir.waitForMessage(paid.body.instanceId);
  await sendResult(paid.body.instanceId);
  const failed = await weir.request('POST', '/v1/orders/M-2/paid', { productId: '1001', userId: '7' });
  const itsResult = `/v1/instances/${failed.body.instanceId}/result`;
  await weir.request('POST', itsResult, { status: 'FAILED', reason: 'NO_ROOM' });
  await weir.request('POST', itsResult, { status: 'SUCCESS' });
  await pollUntil('everything to be told by /metrics', 20_000, async () => {
    const text = await readMetrics();
    for (const line of expected) if (!line.test(text)) throw new Error(`${line} in\n${text}`);
  });
});

const expected = [
  /^weir_instances_created_total\{source="SECKILL"\} 1$/m,
  /^weir_instances_created_total\{source="ORDER"\} 2$/m,
  /^weir_results_total\{outcome="applied"\} 2$/m,
  /^weir_results_total\{outcome="contradicts"\} 1$/m,
  /^weir_instances_settled_total\{status="SUCCESS"\} 1$/m,
  /^weir_instances_settled_total\{status="FAILED"\} 1$/m,
  /^weir_parked_items\{reason="USER_ID_INVALID"\} 1$/m,
  /^weir_parked_total\{reason="USER_ID_INVALID"\} 1$/m,
  /^weir_audit_difference\{sum="entries"\} 0$/m,
  /^weir_streams 1$/m,
  /^weir_stream_oldest_age_seconds 0$/m,
  /^weir_outbox_waiting_events\{kind="CREATED"\} 0$/m,
  /^weir_processing_oldest_age_seconds [\d.]+$/m,
  /^weir_worker_ids_leased 1$/m,
];

async function readMetrics(): Promise<string> {
  return (await weir.request('GET', '/metrics')).body;
}

/** Names without the endings of a histogram's series. */
function namesIn(text: string): Set<string> {
  return new Set([...text.matchAll(/^([a-z]\w+)(?:\{| )/gm)].map(([, name = '']) => name));
}

test('promtool finds no fault with the metrics', async (context) => {
  const { code, said } = await runPromtool(context, ['check', 'metrics'], await readMetrics());
  expect(said).toBe('');
  expect(code).toBe(0);
  const fault = await runPromtool(context, ['check', 'metrics'], 'things_total 1\n');
  expect(fault.said).toContain('no help text');
});

describe('every metric that is asked for exists', () => {
  const dashboard = JSON.parse(read('ops/grafana/weir.json'));
  const askedFor = (text: string) => new Set(text.match(/\b(?:weir|nodejs|process)_\w+/g));

  test.each([
    ['in the alert rules', read('ops/prometheus/alerts.yaml')],
    ['in the dashboard', JSON.stringify(dashboard)],
    [
      'in docs/monitoring.md',
      [...read('docs/monitoring.md').matchAll(/`(weir_[a-z_]+)/g)].map(([, name]) => name).join(' '),
    ],
  ])('every metric named %s exists', async (_, text) => {
    const text_ = await readMetrics();
    const names = namesIn(text_);
    const families = new Set([...text_.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name));
    const asked = [...askedFor(text)];
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.filter((name) => !names.has(name) && !families.has(name))).toEqual([]);
  });

  test('every metric of Weir is described in docs/monitoring.md', async () => {
    const families = [...(await readMetrics()).matchAll(/^# TYPE (weir_\w+)/gm)].map(([, name = '']) => name);
    const documented = read('docs/monitoring.md');
    expect(families.length).toBeGreaterThan(30);
    expect(families.filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('callers make no series', () => {
  test('a source that they invent has one of its own only while there are few', async () => {
    const sources = [...(await readMetrics()).matchAll(/created_total\{source="(\w+)"\} (\d+)/g)];
    expect(sources.length).toBe(21);
    expect(sources.find(([, source]) => source === 'other')?.[2]).toBe('22');
  });

  test('an invented path is unmatched, and an unknown method counts among others', async () => {
    const routes = [...(await readMetrics()).matchAll(/request_duration_seconds_count\{.*route="([^"]+)"/g)];
    expect(routes.map(([, route]) => route)).toContain('unmatched');
    expect(routes.filter(([, route]) => route?.includes('/no/such'))).toEqual([]);
    expect(routes.map(([, route]) => route)).toContain('/v1/orders/:orderId/paid');
  });
});

describe('the routes that hold an answer', () => {
  const secondsOf = async (route: string) => {
    const sums = (await readMetrics()).matchAll(
      /^weir_http_request_duration_seconds_sum\{.*route="([^"]+)".*\} (\S+)$/gm,
    );
    return [...sums]
      .filter(([, name]) => name === route)
      .reduce((sum, [, , seconds]) => sum + Number(seconds), 0);
  };

  test('the alert for slow requests knows the routes that hold an answer', async () => {
    const streamId = await weir.redis
      .xrange('stream:seckill:1001', '-', '+', 'COUNT', 1)
      .then(([entry]) => entry?.[0]);
    const path = `/v1/sales/1001/purchases/${streamId}`;
    const { body } = await weir.request('GET', path);
    const answer = await weir.request('GET', `${path}?after=${body.state}&wait=2`);
    expect(answer.status).toBe(200);
    const route = '/v1/sales/:productId/purchases/:streamId';
    expect(await secondsOf(route)).toBeGreaterThan(1.5);
    expect(read('ops/prometheus/alerts.yaml')).toContain(`route!~"/v1/audit|${route}"`);
  });

  test('a stream counts until it begins, so no listener is slow', async () => {
    const listening = new AbortController();
    const answer = await fetch(`${weir.url}/v1/now/stream`, { signal: listening.signal });
    const reader = answer.body?.getReader();
    for (let read = 0; read < 3; read++) await reader?.read();
    listening.abort();
    await reader?.closed.catch(() => {});
    expect(await secondsOf('/v1/now/stream')).toBeGreaterThan(0);
    expect(await secondsOf('/v1/now/stream')).toBeLessThan(1);
  });
});

test('whether a store can be used is as /readyz says', async () => {
  const { body } = await weir.request('GET', '/readyz');
  const { status: _, ...stores } = body;
  const text = await readMetrics();
  const up = Object.fromEntries(
    [...text.matchAll(/^weir_store_up\{store="(\w+)"\} (\d)$/gm)].map(([, store, value]) => [store, value]),
  );
  expect(up).toEqual(Object.fromEntries(Object.keys(stores).map((store) => [store, '1'])));
  expect(Object.keys(up).length).toBeGreaterThanOrEqual(4);
});

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

async function sendResult(instanceId: string): Promise<void> {
  const connection = await connect(rabbitmqUrl);
  const channel = await connection.createConfirmChannel();
  const result = { status: 'SUCCESS', reason: '', answeredAt: new Date() } as const;
  const queue = String(queuesBeside(weir.queue).WEIR_DATA_RABBITMQ_RESULTQUEUE);
  channel.sendToQueue(queue, encodeResult({ instanceId: BigInt(instanceId) as InstanceId, ...result }));
  await channel.waitForConfirms();
  await connection.close();
}
