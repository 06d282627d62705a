import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../../errors.ts';
import type { Emit } from '../../../ops/telemetry/events.ts';
import { type ExportFormat, type ListSource, writeHead, writeRows } from '../export-rows.ts';
import { mayStillCall } from './auth.ts';

const rowsPerPage = 500;

interface ExportBounds {
  /** Each asks the database for one page after the other. */
  maxAtOnce: number;
  /** How long a client may read nothing before its connection is ended. */
  patienceMs: number;
}

const usual: ExportBounds = { maxAtOnce: 8, patienceMs: 60_000 };

/**
 * Sends lists without an end of their own, page by page: as fast as the client reads, and never more than a page ahead of it.
 * What cannot be completed ends the connection before the end of the body, which every HTTP client reports.
 */
export class Exports {
  readonly #emit: Emit;
  readonly #bounds: ExportBounds;
  readonly #streams = new Set<Readable>();
  #starting = 0;

  constructor(emit: Emit, bounds = usual) {
    this.#emit = emit;
    this.#bounds = bounds;
  }

  get underWay(): number {
    return this.#streams.size + this.#starting;
  }

  /** @throws WeirError OVERLOADED; the store's error when there is no first page */
  async send<Item>(
    request: FastifyRequest,
    reply: FastifyReply,
    format: ExportFormat,
    source: ListSource<Item>,
  ): Promise<FastifyReply> {
    if (this.underWay >= this.#bounds.maxAtOnce) {
      const detail = `${this.#bounds.maxAtOnce} exports are under way in this process`;
      throw new WeirError('OVERLOADED', detail, { retryAfterMs: 5_000 });
    }
    this.#starting++;
    try {
      const first = await source.read(rowsPerPage, undefined);
      // The deadline of the handler has answered meanwhile.
      if (reply.sent || reply.raw.headersSent) return reply;
      writeHead(reply, format, source.name);
      // No client would ever read it.
      if (request.method === 'HEAD') return reply.send('');
      return reply.send(this.#open(request, writeRows({ ...source, format, first, rowsPerPage })));
    } finally {
      this.#starting--;
    }
  }

  /** Ends those under way: the process stops. */
  end(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  #open(request: FastifyRequest, chunks: AsyncGenerator<string>): Readable {
    const { patienceMs } = this.#bounds;
    const leave = () => stream.destroy();
    let timer = setTimeout(leave, patienceMs);
    async function* paced(): AsyncGenerator<string> {
      for await (const chunk of chunks) {
        clearTimeout(timer);
        timer = setTimeout(leave, patienceMs);
        yield chunk;
        if (!(await mayStillCall(request))) throw new WeirError('UNAUTHENTICATED', 'the key was revoked');
      }
    }
    const stream = Readable.from(paced(), { objectMode: false, highWaterMark: 1 });
    this.#streams.add(stream);
    stream.once('close', () => {
      clearTimeout(timer);
      this.#streams.delete(stream);
    });
    stream.once('error', (error) => {
      const { method, url } = request.routeOptions;
      this.#emit({
        type: 'export broken off',
        requestId: request.id,
        route: `${method} ${url}`,
        error,
      });
    });
    return stream;
  }
}
