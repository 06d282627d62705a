import { expect } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';

export const sellable = '1001';
export const disabled = '1002';
export const unknown = '1999';

export interface BadEntry {
  title: string;
  stream?: string;
  /** Names and values, alternating. */
  fields: (string | Buffer)[];
  reason: string;
}

export const megabytes5 = 'x'.repeat(5_000_000);

/** What both kinds of stream can hold. */
export const badEntries: BadEntry[] = [
  { title: 'no uid', fields: ['ts', '1234567890'], reason: 'USER_ID_INVALID' },
  { title: 'UID in capitals only', fields: ['UID', '5'], reason: 'USER_ID_INVALID' },
  ...['', 'abc', '-1', '0', '9223372036854775808', '1e3', '1.0', ' 7', '007', '+7', '٧'].map((uid) => ({
    title: `uid ${JSON.stringify(uid)}`,
    fields: ['uid', uid, 'ts', '1234567890'],
    reason: 'USER_ID_INVALID',
  })),
  { title: 'a uid of 5 MB', fields: ['uid', megabytes5], reason: 'USER_ID_INVALID' },
  { title: 'an unknown product', stream: unknown, fields: ['uid', '5'], reason: 'PRODUCT_NOT_FOUND' },
  { title: 'a disabled product', stream: disabled, fields: ['uid', '5'], reason: 'PRODUCT_DISABLED' },
  ...['abc', '0', '-1', '01001', '9223372036854775808', '', '1001:eu', '💥'].map((stream) => ({
    title: `the key stream:seckill:${stream}`,
    stream,
    fields: ['uid', '5'],
    reason: 'PRODUCT_ID_INVALID',
  })),
];

/** What only Redis accepts; jsonb, in which the embedded stream stores its fields, cannot hold such text. */
export const badBytes: BadEntry[] = [
  { title: 'a NUL in the uid', fields: ['uid', '5\0'], reason: 'USER_ID_INVALID' },
  {
    title: 'a uid that is not UTF-8',
    fields: ['uid', Buffer.from([0x35, 0xff, 0xfe])],
    reason: 'USER_ID_INVALID',
  },
  { title: 'a name that is not UTF-8', fields: [Buffer.from([0xc3, 0x28]), '5'], reason: 'USER_ID_INVALID' },
  {
    title: 'all bytes there are',
    fields: ['uid', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    reason: 'USER_ID_INVALID',
  },
];

/** Unusual entries with a valid user: these are sold. */
export const goodFields: string[][] = [
  ['uid', '1'],
  ['ts', 'x', 'uid', '9223372036854775807'],
  ['uid', '2', 'note', megabytes5],
  ['note', '\u{1F381}', 'uid', '3', '', ''],
  ['uid', '4', 'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
];

export interface ParkedRow {
  origin: string;
  reason: string;
  detail: string;
  source: string;
  scope: string;
  source_id: string;
  original: Buffer;
}

/** The bytes that were put on the stream, read back from the parked item. */
export function readOriginal(original: Buffer): Buffer[] {
  return (JSON.parse(original.toString()) as (string | { base64: string })[]).map((part) =>
    typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.base64, 'base64'),
  );
}

export function expectParked(
  row: ParkedRow | undefined,
  { stream = sellable, fields, reason }: BadEntry,
  id: string,
): void {
  expect(row).toMatchObject({
    origin: 'STREAM',
    reason,
    source: 'SECKILL',
    scope: `stream:seckill:${stream}`,
    source_id: id,
  });
  expect(row?.detail.length).toBeLessThan(300);
  const original = readOriginal(row?.original ?? Buffer.from('[]'));
  // Compared as bytes in one step: the matchers would go through 5 MB one by one.
  expect(original.map((part, i) => part.equals(Buffer.from(fields[i] ?? '')))).toEqual(
    fields.map(() => true),
  );
}

export interface Queryable {
  // biome-ignore lint/suspicious/noExplicitAny: rows are read by name
  query(text: string, values?: unknown[]): Promise<{ rows: any[] }>;
}

export async function sellProduct(database: Queryable): Promise<void> {
  await database.query(
    `INSERT INTO products (id, name, cpus, memory_mb, image)
     VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu'), (1002, 'Standard 2', 2, 4096, 'ubuntu')`,
  );
}

export function findInstanceOf(
  database: Queryable,
  productId: string,
  entryId: string | null,
): Promise<string> {
  return pollUntil(`the instance of entry ${entryId} of product ${productId}`, 10_000, async () => {
    const { rows } = await database.query(
      'SELECT instance_id FROM instance_logs WHERE scope = $1 AND source_id = $2',
      [`stream:seckill:${productId}`, entryId],
    );
    expect(rows).toHaveLength(1);
    return rows[0].instance_id;
  });
}
