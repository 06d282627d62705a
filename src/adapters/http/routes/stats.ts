import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { SourceCount, TrendRow } from '../../../api/answers.ts';
import { closed, ProblemShape, SourceText, TimeText } from '../../../api/shapes.ts';
import { SourcesShape, TrendShape } from '../../../api/stats-shapes.ts';
import { WeirError } from '../../../errors.ts';
import { readWindow, type TrendQuery, type TrendWindow } from '../plugins/trend-window.ts';
import { readTime } from '../queries.ts';

interface StatsReader {
  countBySource(): Promise<SourceCount[]>;
  /** Newest first; empty steps are left out. */
  countByStep(window: TrendWindow): Promise<(Omit<TrendRow, 'bucketStart'> & { bucketStart: Date })[]>;
}

const maxMinutes = 7 * 24 * 60;

const Trend = Type.Object(
  {
    minutes: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,4}$',
        description: `1 to ${maxMinutes}; for a longer window use from`,
      }),
    ),
    from: Type.Optional(TimeText),
    to: Type.Optional(TimeText),
    step: Type.Optional(Type.Enum(['minute', 'hour', 'day'])),
    source: Type.Optional(SourceText),
  },
  closed,
);

export interface StatsDeps {
  stats: StatsReader;
}

export function addStats(http: FastifyInstance, { stats }: StatsDeps): void {
  http.get(
    '/v1/stats/sources',
    {
      config: { scope: 'read' },
      schema: { summary: 'Instances and success rate by source', response: { 200: SourcesShape } },
    },
    async () => ({
      items: await stats.countBySource(),
    }),
  );

  http.get<{ Querystring: Static<typeof Trend> }>(
    '/v1/stats/trend',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Created instances by minute, hour or day, source and status',
        description:
          'The last `minutes` (default 60), or `from` to `to` (default now), in whole steps of UTC. The default step depends on ' +
          'the length of the window: minutes up to a day, hours up to sixty days, else days.',
        querystring: Trend,
        response: { 200: TrendShape, '4xx': ProblemShape },
      },
    },
    async ({ query }) => {
      const window = readWindow(toTrendQuery(query), new Date());
      const { minutes, ...range } = window;
      return {
        ...(minutes === undefined ? {} : { minutes }),
        from: range.from.toISOString(),
        to: range.to.toISOString(),
        step: range.step,
        items: (await stats.countByStep(range)).map(({ bucketStart, ...counts }) => ({
          bucketStart: bucketStart.toISOString(),
          ...counts,
        })),
      };
    },
  );
}

function toTrendQuery({ minutes: text, from, to, step, source }: Static<typeof Trend>): TrendQuery {
  const minutes = text === undefined ? undefined : Number(text);
  if (minutes !== undefined && minutes > maxMinutes) {
    throw new WeirError(
      'REQUEST_INVALID',
      `minutes must be 1 to ${maxMinutes}, not ${text}; for a longer window use from`,
    );
  }
  return { minutes, from: readTime('from', from), to: readTime('to', to), step, source };
}
