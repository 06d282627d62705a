import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { NowShape } from '../../../api/now-shape.ts';
import { closed, ProblemShape } from '../../../api/shapes.ts';
import { WeirError } from '../../../errors.ts';
import { maxSeconds } from '../../../ops/live/count-seconds.ts';
import type { NowFeed, NowNews, NowReader } from '../../../ops/live/now-feed.ts';
import { mayStillCall } from '../plugins/auth.ts';
import { addToProblem } from '../plugins/problem.ts';
import { showNow, showRest } from '../show-now.ts';
import { EventStream } from './now-stream.ts';

export interface NowDeps {
  now: NowReader;
  feed: NowFeed;
  /** Aborted when the process is about to stop: listeners must reconnect to another one. */
  draining: AbortSignal;
}

const defaultSeconds = 300;
/** Also sent while a hanging database produces no events. */
const beatEveryMs = 15_000;

export function addNow(http: FastifyInstance, { now, feed, draining }: NowDeps): void {
  http.get<{ Querystring: { seconds?: string } }>(
    '/v1/now',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'The last seconds by source, the backlogs, the stores, the last audit',
        description:
          'Read from the stores, so every process returns the same figures; requests within a second share one reading. ' +
          'An unknown number is null. While the database is unavailable the answer is a 503 with `stores` and the backlog ' +
          'of the streams. docs/http-api.md explains each field.',
        querystring: Type.Object(
          {
            seconds: Type.Optional(
              Type.String({
                pattern: '^[1-9][0-9]{0,2}$',
                description: `1 to ${maxSeconds}`,
                default: `${defaultSeconds}`,
              }),
            ),
          },
          closed,
        ),
        response: { 200: NowShape, '4xx': ProblemShape },
      },
    },
    async ({ query }, reply) => {
      const seconds = Number(query.seconds ?? defaultSeconds);
      if (seconds > maxSeconds)
        throw new WeirError('REQUEST_INVALID', `seconds must be 1 to ${maxSeconds}, not ${query.seconds}`);
      try {
        return showNow(await now.read(seconds));
      } catch (error) {
        addToProblem(reply, showRest(await now.readRest()));
        throw error;
      }
    },
  );

  const streams = new Set<EventStream>();
  const beating = setInterval(() => {
    for (const stream of streams) stream.beat();
  }, beatEveryMs).unref();
  const endStreams = () => {
    for (const stream of streams) stream.end();
  };
  draining.addEventListener('abort', endStreams, { once: true });
  http.addHook('preClose', async () => {
    clearInterval(beating);
    endStreams();
  });
  const reportOnce = createEventWriter();
  http.get(
    '/v1/now/stream',
    {
      config: { scope: 'read', isLong: true },
      schema: {
        summary: 'The same as server-sent events, once per second',
        description:
          'Each `event: now` has the last 10 seconds, to be merged by time; `event: problem` has the reason why there is nothing ' +
          'new, with `stores`. Ends when Weir stops.',
        produces: ['text/event-stream'],
        response: { '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      reply.type('text/event-stream').headers({
        // A proxy that buffers (nginx by default) or compresses would delay the events.
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      });
      // The client of a HEAD request never reads a stream.
      if (request.method === 'HEAD') return reply.send();
      const stream = new EventStream();
      const leave = feed.listen((news) => {
        reportOnce(stream, news);
        // A revoked key loses its open streams within a second too.
        mayStillCall(request).then(
          (may) => may || stream.end(),
          () => {},
        );
      });
      if (!leave) throw new WeirError('TOO_MANY_LISTENERS', 'too many live listeners on this process');
      streams.add(stream);
      stream.once('close', () => {
        leave();
        streams.delete(stream);
      });
      return reply.send(stream);
    },
  );
}

/** Serializes each event once for all listeners. */
function createEventWriter(): (stream: EventStream, news: NowNews) => void {
  const texts = new WeakMap<NowNews, string>();
  return (stream, news) => {
    let text = texts.get(news);
    if (text === undefined) {
      text = JSON.stringify(
        'now' in news ? showNow(news.now) : { ...storeUnavailable, ...showRest(news.rest) },
      );
      texts.set(news, text);
    }
    stream.send('now' in news ? 'now' : 'problem', text);
  };
}

const storeUnavailable = { code: 'STORE_UNAVAILABLE', detail: 'the database does not answer' };
