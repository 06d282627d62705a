import type { FastifyInstance } from 'fastify';
import { AboutShape } from '../../../api/about-shape.ts';
import { ProblemShape } from '../../../api/shapes.ts';
import type { Config } from '../../../config/config.ts';
import { version } from '../../../lib/version.ts';

export function addAbout(http: FastifyInstance, { name, traceUrl }: Config['server']): void {
  const about = { name, version, traceUrl: traceUrl === '' ? null : traceUrl };
  http.get(
    '/v1/about',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'The name of this environment, the version, and the address of its traces',
        response: { 200: AboutShape, '4xx': ProblemShape },
      },
    },
    async () => about,
  );
}
