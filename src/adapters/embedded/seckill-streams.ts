import { randomUUID } from 'node:crypto';
import type { SeckillStreams, StreamBatch, StreamEntry } from '../../core/triggers/seckill-streams.ts';
import { Signal } from '../../lib/signal.ts';
import { type Database, type Sql, textArray } from '../../lib/sql.ts';

interface EntryRow {
  stream: string;
  entry_id: string;
  fields: string[];
  deliveries: number;
}

/**
 * The seckill streams as a table. Entry ids have the format of Redis; finished entries are deleted
 * immediately.
 *
 * Consumers of one server mark the entries delivered to them. An entry that is marked for this consumer but
 * not known to it was in a lost reply, and is read again. The only consumer of a database remembers its
 * position instead: that is a third faster, and unfinished entries of an earlier process are above that
 * position.
 */
export class EmbeddedSeckillStreams implements SeckillStreams {
  readonly #database: Database;
  readonly #isOnlyConsumer: boolean;
  readonly #consumer = randomUUID();
  readonly #added = new Signal();
  /** Entries up to here have been delivered by this process, if it is the only consumer. */
  #cursor: bigint | undefined;
  /** Delivered and not acknowledged entries, with their stream; not used by an only consumer. */
  readonly #unacknowledged = new Map<string, string>();
  /** Whether the next read looks for entries marked for this consumer but not known to it. */
  #mayMissSome = false;

  constructor(database: Database, { isOnlyConsumer }: { isOnlyConsumer: boolean }) {
    this.#database = database;
    this.#isOnlyConsumer = isOnlyConsumer;
  }

  /** XADD: one entry for each list of alternating names and values. @returns their ids */
  async add(stream: string, entries: readonly string[][]): Promise<string[]> {
    const ids = await addEntries(this.#database, stream, entries);
    this.#added.notify();
    return ids;
  }

  /** Called after the commit of a transaction that added entries. */
  readonly onAdded = (): void => this.#added.notify();

  async discover(): Promise<void> {}

  async read(count: number, blockMs: number, except: ReadonlySet<string> = nothing): Promise<StreamBatch[]> {
    const missed = this.#mayMissSome ? await this.#takeMissed(count, except) : [];
    if (missed.length > 0) return missed;
    const batches = this.#isOnlyConsumer
      ? await this.#takeNext(count, except)
      : await this.#take(`consumer IS NULL${exclude(except, 4)}`, count, excluded(except));
    if (batches.length > 0) return batches;
    await this.#added.wait(blockMs, AbortSignal.timeout(blockMs));
    return [];
  }

  async takeOver(
    count: number,
    minIdleMs: number,
    except: ReadonlySet<string> = nothing,
  ): Promise<StreamBatch[]> {
    if (this.#isOnlyConsumer) return [];
    const isAbandoned = `consumer <> $2 AND delivered_at <= now() - make_interval(secs => $4)${exclude(except, 5)}`;
    const batches = await this.#take(isAbandoned, count, [minIdleMs / 1000, ...excluded(except)]);
    // A read whose connection broke may be committed after the read that followed it.
    this.#mayMissSome = true;
    return batches;
  }

  async readAgain(stream: string): Promise<void> {
    this.#cursor = 0n;
    if (this.#isOnlyConsumer) return;
    for (const [entry, of] of this.#unacknowledged) if (of === stream) this.#unacknowledged.delete(entry);
    this.#mayMissSome = true;
  }

  async keep(stream: string, ids: readonly string[]): Promise<void> {
    if (this.#isOnlyConsumer) return;
    await this.#database.query(
      `UPDATE embedded_stream SET delivered_at = now()
       WHERE entry = ANY ($1::bigint[]) AND stream = $2 AND consumer = $3`,
      [`{${ids.map(entryOf).join(',')}}`, stream, this.#consumer],
    );
  }

  async setDeliveries(stream: string, id: string, deliveries: number): Promise<void> {
    await this.#database.query(
      'UPDATE embedded_stream SET deliveries = $3 WHERE entry = $1 AND stream = $2',
      [entryOf(id), stream, deliveries],
    );
  }

  async readOriginals(stream: string, ids: readonly string[]): Promise<Buffer[][]> {
    const rows = await this.#database.query<{ entry_id: string; fields: string[] }>(
      'SELECT entry_id, fields FROM embedded_stream WHERE entry = ANY ($1::bigint[]) AND stream = $2',
      [`{${ids.map(entryOf).join(',')}}`, stream],
    );
    const found = new Map(rows.map(({ entry_id, fields }) => [entry_id, fields]));
    return ids.map((id) => (found.get(id) ?? []).map((part) => Buffer.from(part)));
  }

  async acknowledge(stream: string, ids: readonly string[]): Promise<void> {
    await this.#database.query(
      'DELETE FROM embedded_stream WHERE entry = ANY ($1::bigint[]) AND stream = $2',
      [`{${ids.map(entryOf).join(',')}}`, stream],
    );
    for (const id of ids) this.#unacknowledged.delete(entryOf(id));
  }

  async trim(): Promise<void> {}

  async #takeNext(count: number, except: ReadonlySet<string>): Promise<StreamBatch[]> {
    this.#cursor ??= await this.#resetUnfinished();
    // All entries in one value: PGlite takes 10 µs to read a row, three times as long as the rest of it.
    const [answer] = await this.#database.query<{ last: string | null; entries: EntryRow[] }>(
      `WITH taken AS (
         SELECT * FROM embedded_stream WHERE entry > $1${exclude(except, 3)} ORDER BY entry LIMIT $2),
       moved AS (UPDATE embedded_cursor SET entry = greatest(entry, (SELECT max(entry) FROM taken)))
       SELECT max(entry)::text AS last, coalesce(json_agg(json_build_object('stream', stream, 'entry_id', entry_id,
         'fields', fields, 'deliveries', deliveries + 1) ORDER BY entry), '[]') AS entries FROM taken`,
      [this.#cursor.toString(), count, ...excluded(except)],
    );
    this.#cursor = BigInt(answer?.last ?? this.#cursor);
    return toBatches(answer?.entries ?? []);
  }

  /** Counts a delivery for entries that an earlier process was given and did not finish. */
  async #resetUnfinished(): Promise<bigint> {
    await this.#database.query(
      'UPDATE embedded_stream SET deliveries = deliveries + 1 WHERE entry <= (SELECT entry FROM embedded_cursor)',
    );
    return 0n;
  }

  /** Entries marked for this consumer but not known to it; delivering them again counts as no delivery. */
  async #takeMissed(count: number, except: ReadonlySet<string>): Promise<StreamBatch[]> {
    const isMissed = `consumer = $2 AND NOT entry = ANY ($4::bigint[])${exclude(except, 5)}`;
    const known = `{${[...this.#unacknowledged.keys()].join(',')}}`;
    const batches = await this.#take(isMissed, count, [known, ...excluded(except)], 0);
    // Entries of excluded streams are found when those are read again.
    if (batches.length === 0) this.#mayMissSome = false;
    return batches;
  }

  async #take(which: string, count: number, values: unknown[], deliveries = 1): Promise<StreamBatch[]> {
    try {
      const rows = await this.#database.query<EntryRow>(
        `WITH taken AS (
           SELECT entry FROM embedded_stream WHERE ${which} ORDER BY entry LIMIT $1 FOR UPDATE SKIP LOCKED
         ), handed AS (
           UPDATE embedded_stream SET consumer = $2, delivered_at = now(), deliveries = deliveries + $3::int
           FROM taken WHERE embedded_stream.entry = taken.entry RETURNING embedded_stream.*
         )
         SELECT stream, entry_id, fields, deliveries FROM handed ORDER BY entry`,
        [count, this.#consumer, deliveries, ...values],
      );
      for (const { stream, entry_id: id } of rows) this.#unacknowledged.set(entryOf(id), stream);
      return toBatches(rows);
    } catch (error) {
      this.#mayMissSome = true;
      throw error;
    }
  }
}

/**
 * Adds entries in the caller's transaction; `onAdded` wakes the reader after the commit. @returns the
 * entries' ids
 */
export async function addEntries(
  sql: Sql,
  stream: string,
  entries: readonly (readonly string[])[],
): Promise<string[]> {
  const [answer] = await sql.query<{ ids: string[] }>(
    `WITH counted AS (
       INSERT INTO embedded_streams (stream, added) VALUES ($1, jsonb_array_length($2::jsonb))
       ON CONFLICT (stream) DO UPDATE SET added = embedded_streams.added + excluded.added
     ), added AS (
     INSERT INTO embedded_stream (entry, stream, entry_id, fields) OVERRIDING SYSTEM VALUE
     SELECT entry, $1, (extract(epoch FROM now()) * 1000)::bigint || '-' || entry, fields
     FROM (SELECT nextval(pg_get_serial_sequence('embedded_stream', 'entry')) AS entry, fields
           FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS t (fields, ordinal) ORDER BY ordinal) AS numbered
     RETURNING entry, entry_id)
     SELECT coalesce(json_agg(entry_id ORDER BY entry), '[]') AS ids FROM added`,
    [stream, JSON.stringify(entries)],
  );
  return answer?.ids ?? [];
}

const nothing: ReadonlySet<string> = new Set();

/** Part of a condition; empty when no stream is excluded. */
function exclude(streams: ReadonlySet<string>, parameter: number): string {
  return streams.size === 0 ? '' : ` AND stream <> ALL ($${parameter}::text[])`;
}

function excluded(streams: ReadonlySet<string>): string[] {
  return streams.size === 0 ? [] : [textArray([...streams])];
}

function toBatches(rows: readonly EntryRow[]): StreamBatch[] {
  const batches = new Map<string, StreamEntry[]>();
  for (const { stream, entry_id: id, fields: list, deliveries } of rows) {
    const fields = { uid: findValue(list, 'uid'), traceparent: findValue(list, 'traceparent') };
    const entries = batches.get(stream);
    const entry = { id, fields, deliveries, bytes: countBytes(list) };
    if (entries) entries.push(entry);
    else batches.set(stream, [entry]);
  }
  return [...batches].map(([stream, entries]) => ({ stream, entries, isRepeat: true }));
}

/** An entry id is `<ms>-<entry>`: its second half is the row's key. */
function entryOf(id: string): string {
  return id.slice(id.indexOf('-') + 1);
}

function countBytes(fields: readonly string[]): number {
  let bytes = 0;
  for (const part of fields) bytes += part.length;
  return bytes;
}

function findValue(fields: string[], name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}
