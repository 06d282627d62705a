import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../../src/config/config.ts';
import { WeirError } from '../../src/errors.ts';
import type { TelemetryEvent } from '../../src/ops/telemetry/events.ts';
import { createTelemetry } from '../../src/ops/telemetry/telemetry.ts';
import { pollUntil } from '../support/poll-until.ts';

const secrets = {
  WEIR_DATA_DATABASE_SOURCE: 'postgres://weir:pg%40s3cret@db/weir',
  WEIR_DATA_REDIS_ADDR: 'redis://:r3dispass@redis:6379',
  WEIR_DATA_RABBITMQ_URL: 'amqp://weir:rabb1tpass@broker',
  WEIR_SERVER_HTTP_OPERATORKEYS: 'operator-key-0123456789,another-key-0123456789',
  WEIR_SERVER_HTTP_WEBHOOKSECRETS: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
};
const plain = [
  'pg@s3cret',
  'pg%40s3cret',
  'r3dispass',
  'rabb1tpass',
  'operator-key-0123456789',
  'another-key-0123456789',
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
];

/** The log lines of these events, as text. */
function write(events: TelemetryEvent[], env: Record<string, string> = {}): string[] {
  const { config } = readConfig(undefined, { ...secrets, WEIR_LOG_FORMAT: 'json', ...env }, {});
  const lines: string[] = [];
  const telemetry = createTelemetry(config as Config, { write: (line) => void lines.push(line) });
  for (const event of events) telemetry.emit(event);
  return lines;
}

/** The same lines as printed on a terminal. */
async function writeReadable(events: TelemetryEvent[]): Promise<string> {
  const { config } = readConfig(undefined, { ...secrets, WEIR_LOG_FORMAT: 'pretty' }, {});
  let text = '';
  const terminal = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  const { emit } = createTelemetry(config as Config, terminal);
  for (const event of events) emit(event);
  emit({ type: 'stopped' });
  return pollUntil('the last line', 5_000, async () => {
    if (!text.includes('stopped')) throw new Error(text);
    return text;
  });
}

const parse = (lines: string[]) => lines.map((line) => JSON.parse(line));

/** Errors as client libraries throw them: with the command, with the URL, with another error inside. */
function createLeakyError(secret: string): Error {
  const inner = Object.assign(new Error(`WRONGPASS for ${secret}`), {
    command: { name: 'auth', args: ['weir', secret] },
  });
  return new Error(`cannot connect to amqp://weir:${secret}@broker with ${secret}`, {
    cause: new AggregateError([inner], '', { cause: new TypeError(secret) }),
  });
}

describe.each(plain)('the secret %s', (secret) => {
  const error = createLeakyError(secret);
  const events: TelemetryEvent[] = [
    { type: 'store failed', store: 'redis', error, attempt: 1 },
    { type: 'request failed', requestId: secret, route: `GET ${secret}`, error, traceparent: undefined },
    { type: 'warned', warning: `use ${secret}` },
    { type: 'messages refused', count: 1, why: secret, parked: 0 },
    { type: 'parked item resolved', id: '1', state: 'DISCARDED', by: secret, resolution: `said ${secret}` },
    {
      type: 'entries parked',
      entries: [{ stream: secret, id: secret, error: new WeirError('INTERNAL', secret, { cause: error }) }],
    },
  ];

  test('a secret is in no log line, nor in the causes of an error', () => {
    const text = write(events).join('');
    expect(text.split('\n')).toHaveLength(events.length + 1);
    expect(text).not.toContain(secret);
    expect(text).toContain('***');
  });

  test('a secret is in no readable log line', async () => {
    const text = await writeReadable(events);
    expect(text).not.toContain(secret);
    expect(text).toContain('***');
  });
});

test('what is no secret stays as it is', () => {
  const [line] = parse(write([{ type: 'warned', warning: 'the queue weir has other arguments' }]));
  expect(line.msg).toBe('the queue weir has other arguments');
});

test('a password of three letters hides no log', () => {
  const env = { WEIR_DATA_RABBITMQ_URL: 'amqp://a:the@broker' };
  const [line] = parse(write([{ type: 'warned', warning: 'the queue' }], env));
  expect(line.msg).toBe('the queue');
});

test('a log line on a terminal shows control characters and cannot forge another line', async () => {
  const forged = 'x\n[08:00:00] INFO: forged\x1b[2J\u009b1m\u202e';
  const text = await writeReadable([
    { type: 'warned', warning: forged },
    { type: 'parked item resolved', id: '1', state: 'DISCARDED', by: 'me', resolution: forged },
    { type: 'store failed', store: 'redis', error: new Error(forged), attempt: 1 },
  ]);
  expect(text).not.toMatch(/^\s*\[08:00:00\]/m);
  for (const raw of ['\x1b[2J', '\u009b', '\u202e']) expect(text).not.toContain(raw);
  expect(text).toContain(String.raw`WARN: x\n[08:00:00] INFO: forged\x1b[2J\x9b1m\u202e`);
});

test('a log line in JSON keeps every value exactly and holds no raw control character', () => {
  const warning = 'x\n\x1b[2J\u009b1m\u202e';
  const [line = ''] = write([{ type: 'warned', warning }]);
  expect(JSON.parse(line).msg).toBe(warning);
  expect(line.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('a log line on a terminal is one line, whatever fields it has', async () => {
  const stores = { database: 'embedded', streams: 'embedded', queue: 'embedded' };
  const text = await writeReadable([{ type: 'started', addr: 'http://x', stores, roles: ['http', 'relay'] }]);
  expect(text.split('\n')[0]).toContain('"addr":"http://x"');
  expect(text.split('\n')[0]).toContain('relay');
});

test('an error is logged with its causes, and ends where they form a circle', () => {
  const error = new Error('outer');
  error.cause = error;
  const [line] = parse(write([{ type: 'store failed', store: 'database', error, attempt: 1 }]));
  expect(line.error.cause.cause.message).toBe('outer');
});

test('a log line holds its time, level, codes, sentence and the ids to follow', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const [line] = parse(
    write([
      { type: 'request failed', requestId: 'r-1', route: 'GET /x', error: new Error('x'), traceparent },
    ]),
  );
  expect(line).toEqual({
    level: 'error',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    event: 'request_failed',
    msg: 'request failed',
    requestId: 'r-1',
    route: 'GET /x',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    error: { type: 'Error', message: 'x', stack: expect.any(String) },
  });
});

test('each parked entry has a line of its own with its stream and id', () => {
  const error = new WeirError('USER_ID_INVALID', 'not a user id');
  const entries = ['1-0', '2-0'].map((id) => ({ stream: 'stream:seckill:1001', id, error }));
  const lines = parse(write([{ type: 'entries parked', entries }]));
  expect(lines.map(({ event, stream, id, reason }) => [event, stream, id, reason])).toEqual([
    ['entry_parked', 'stream:seckill:1001', '1-0', 'USER_ID_INVALID'],
    ['entry_parked', 'stream:seckill:1001', '2-0', 'USER_ID_INVALID'],
  ]);
});

test('what comes with each request and each batch is for those who debug', () => {
  const ordinary: TelemetryEvent[] = [
    { type: 'instances created', counts: new Map([['ORDER', 1]]), durationMs: 1 },
    { type: 'events published', count: 1, durationMs: 1 },
    { type: 'results settled', counts: new Map([['applied', 3]]) },
    {
      type: 'request answered',
      requestId: 'r',
      method: 'GET',
      route: '/x',
      status: 200,
      problem: undefined,
      durationMs: 1,
      traceparent: undefined,
    },
  ];
  expect(write(ordinary)).toEqual([]);
  const debugged = parse(write(ordinary, { WEIR_LOG_LEVEL: 'debug' }));
  expect(debugged.map(({ event }) => event)).toEqual([
    'instances_created',
    'events_published',
    'results_settled',
    'request_answered',
  ]);
  const late = write([{ type: 'results settled', counts: new Map([['late', 1]]) }]);
  expect(parse(late)).toMatchObject([{ level: 'warn', event: 'results_settled' }]);
});

test('a store that is away for an hour is not an hour of lines', () => {
  const attempts = Array.from({ length: 100 }, (_, i) => i + 1);
  const lines = write(
    attempts.map((attempt) => ({ type: 'store failed', store: 'redis', error: new Error('away'), attempt })),
  );
  expect(parse(lines).map(({ attempt }) => attempt)).toEqual([
    1, 2, 3, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100,
  ]);
});

test('a backlog that cannot be read is logged as a store that fails', () => {
  const read = (attempt: number): TelemetryEvent => ({
    type: 'backlog read',
    backlog: { place: 'streams', waiting: undefined, error: new Error('NOPERM'), attempt },
  });
  const [line, ...more] = parse(write(Array.from({ length: 10 }, (_, i) => read(i + 1))));
  expect(line).toMatchObject({ level: 'warn', event: 'store_failed', store: 'backlog streams', attempt: 1 });
  expect(line.error).toMatchObject({ message: 'NOPERM' });
  expect(more.map(({ attempt }) => attempt)).toEqual([2, 3, 10]);
});

test('every event that is written stands in docs/monitoring.md, and no other', () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const text = read('src/ops/telemetry/logs/log-lines.ts');
  const named = [...text.matchAll(/(?:event: '|toLine\('\w+', ')([a-z_]+)'/g)].map(([, event]) => event);
  const written = new Set([...named, ...['acquired', 'lost', 'refused'].map((how) => `worker_id_${how}`)]);
  const [, table = ''] = /## Log\n[\s\S]*?\n\| ---.*\n([\s\S]*?)\n\n/.exec(read('docs/monitoring.md')) ?? [];
  const documented = table
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([a-z_]+)`/g)].map(([, event]) => event));
  expect(documented.length).toBeGreaterThan(20);
  expect(new Set(documented)).toEqual(written);
});
