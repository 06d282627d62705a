import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { WeirError } from '../errors.ts';

export interface StatsReader {
  countBySource(): Promise<readonly object[]>;
  countByMinute(minutes: number): Promise<readonly object[]>;
}

const maxMinutes = 7 * 24 * 60;

export function addStats(http: FastifyInstance, { stats }: { stats: StatsReader }): void {
  http.get(
    '/v1/stats/sources',
    { config: { scope: 'read' }, schema: { summary: 'Instances and success rate by source' } },
    async () => ({
      items: await stats.countBySource(),
    }),
  );

  http.get<{ Querystring: { minutes?: string } }>(
    '/v1/stats/trend',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Instances created, by minute and source',
        querystring: Type.Object({ minutes: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,4}$' })) }),
      },
    },
    async ({ query }) => {
      const minutes = Number(query.minutes ?? 60);
      if (minutes > maxMinutes) throw new WeirError('REQUEST_INVALID', `minutes is 1 to ${maxMinutes}`);
      return { minutes, items: await stats.countByMinute(minutes) };
    },
  );
}
