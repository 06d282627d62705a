import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { answerList } from '../../src/adapters/http/answer-list.ts';
import { type ListSource, negotiateFormat } from '../../src/adapters/http/export-rows.ts';
import { Exports } from '../../src/adapters/http/plugins/exports.ts';
import { createErrorHandler } from '../../src/adapters/http/plugins/problem.ts';
import { WeirError } from '../../src/errors.ts';
import type { TelemetryEvent } from '../../src/ops/telemetry/events.ts';
import { pollUntil } from '../support/poll-until.ts';

type Row = { id: string; note: string | null };

type Read = (cursor: number) => Promise<{ items: Row[]; nextCursor: string | undefined }>;

/** A list of `pages` pages of some MB each, so that few fill the buffers of a connection. */
function createPages(pages: number) {
  const counted = { pages: 0 };
  const read: Read = async (cursor) => {
    counted.pages++;
    const items = Array.from({ length: 500 }, (_, row) => ({
      id: `${cursor}-${row}`,
      note: 'x'.repeat(10_000),
    }));
    return { items, nextCursor: cursor + 1 < pages ? String(cursor + 1) : undefined };
  };
  return { counted, read };
}

async function serve(read: Read, bounds?: { maxAtOnce: number; patienceMs: number }) {
  const events: TelemetryEvent[] = [];
  const exports = new Exports((event) => events.push(event), bounds);
  const source: ListSource<Row> = {
    name: 'rows',
    columns: ['id', 'note'],
    toRow: (row) => row,
    read: (_, cursor) => read(Number(cursor ?? 0)),
  };
  const http = Fastify();
  http.setErrorHandler(createErrorHandler({ emit: () => {}, isTransient: () => false }, () => false));
  http.get<{ Querystring: { format?: string; limit?: string } }>('/rows', (request, reply) =>
    answerList(request, reply, request.query, source, exports),
  );
  http.addHook('preClose', async () => exports.end());
  await http.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => http.close());
  const { port } = http.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/rows`, events, exports, http };
}

const few: Read = async (cursor) => ({
  items: [{ id: `${cursor}`, note: cursor === 0 ? null : '=1,"2"' }],
  nextCursor: cursor === 0 ? '1' : undefined,
});

test('an export has a header and every row of all pages, as CSV and as NDJSON', async () => {
  const { url } = await serve(few);
  const csv = await fetch(`${url}?format=csv`);
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
  expect(csv.headers.get('content-disposition')).toBe('attachment; filename="weir-rows.csv"');
  expect(await csv.text()).toBe('id,note\r\n0,\r\n1,"\'=1,""2"""\r\n');
  const lines = await fetch(url, { headers: { accept: 'application/x-ndjson' } });
  expect(lines.headers.get('content-type')).toBe('application/x-ndjson');
  expect(await lines.text()).toBe('{"id":"0","note":null}\n{"id":"1","note":"=1,\\"2\\""}\n');
  expect(await (await fetch(`${url}?format=json`, { headers: { accept: 'text/csv' } })).json()).toEqual({
    items: [{ id: '0', note: null }],
    nextCursor: '1',
  });
});

test('an export of nothing is a header, or no line at all', async () => {
  const { url } = await serve(async () => ({ items: [], nextCursor: undefined }));
  expect(await (await fetch(`${url}?format=csv`)).text()).toBe('id,note\r\n');
  expect(await (await fetch(`${url}?format=ndjson`)).text()).toBe('');
});

test('an export takes no limit, and one asked for by HEAD has no body', async () => {
  const { url } = await serve(few);
  expect((await fetch(`${url}?format=csv&limit=5`)).status).toBe(400);
  const head = await fetch(`${url}?format=csv`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
    200,
    'text/csv; charset=utf-8; header=present',
    '',
  ]);
});

test.for([
  [undefined, undefined],
  ['*/*', undefined],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', undefined],
  ['text/csv', 'csv'],
  ['TEXT/CSV; header=present', 'csv'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['application/json, text/csv', undefined],
  ['text/csv, application/json', 'csv'],
  ['text/csv;q=0.5, application/json', undefined],
  ['text/csv;q=0, */*', undefined],
  ['application/json;q=0.1, text/csv;q=0.2', 'csv'],
  ['text/plain', undefined],
  ['text/csv;q=much', undefined],
] as const)('Accept selects the format of a list (case %#)', ([accept, format]) => {
  expect(negotiateFormat(accept)).toBe(format);
});

/** Connects, sends the request and reads nothing. */
async function askAndWait(url: string) {
  const asked = httpRequest(url, { agent: false });
  asked.end();
  const [response] = await once(asked, 'response');
  onTestFinished(() => void asked.destroy());
  return response;
}

test('an export reads no further than its client, and leaves one that does not read', async () => {
  const { counted, read } = createPages(200);
  const { url, exports } = await serve(read, { maxAtOnce: 8, patienceMs: 300 });
  const response = await askAndWait(`${url}?format=ndjson`);
  await pollUntil('the export to end', 10_000, async () => expect(exports.underWay).toBe(0));
  expect(counted.pages).toBeLessThan(10);
  await expect(response.resume().toArray()).rejects.toThrow('aborted');
});

test('an export whose client goes away reads no further page', async () => {
  const { counted, read } = createPages(10_000);
  const { url, exports } = await serve(read);
  const response = await askAndWait(`${url}?format=csv`);
  response.destroy();
  await pollUntil('the export to end', 10_000, async () => expect(exports.underWay).toBe(0));
  expect(counted.pages).toBeLessThan(20);
});

test('a store error within an export ends the connection before the body', async () => {
  const { read } = createPages(50);
  const { url, events } = await serve(async (cursor) => {
    if (cursor === 3) throw new Error('the store is gone');
    return read(cursor);
  });
  const response = await fetch(`${url}?format=csv`);
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
  expect(events).toMatchObject([{ type: 'export broken off', route: 'GET /rows' }]);
});

test('a store error before the first row is an ordinary problem', async () => {
  const { url, events, exports } = await serve(async () => {
    throw new WeirError('STORE_UNAVAILABLE', 'the database does not answer');
  });
  const response = await fetch(`${url}?format=csv`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    503,
    expect.stringMatching(/^application\/problem\+json/),
  ]);
  expect({ events, underWay: exports.underWay }).toEqual({ events: [], underWay: 0 });
});

test('more exports than the bound are rejected with 503, and end when the server does', async () => {
  const { url, exports, http } = await serve(createPages(10_000).read, { maxAtOnce: 2, patienceMs: 60_000 });
  const open = await Promise.all([1, 2].map(() => askAndWait(`${url}?format=csv`)));
  const refused = await fetch(`${url}?format=csv`);
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: 'OVERLOADED' });
  expect((await fetch(url)).status).toBe(200);
  await http.close();
  expect(exports.underWay).toBe(0);
  for (const response of open) await expect(response.resume().toArray()).rejects.toThrow('aborted');
});
