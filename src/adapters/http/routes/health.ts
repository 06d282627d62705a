import type { FastifyInstance } from 'fastify';
import { HealthShape, ReadinessShape } from '../../../api/health-shapes.ts';

/** For each store that this process needs, the reason why it cannot be used; undefined when it can. */
export type Readiness = Record<string, () => Promise<string | undefined> | string | undefined>;

/** Partial failures of a store, such as one bad key; they are shown and change no status. */
type Remarks = Record<string, () => string | undefined>;

/** The metrics of the process as text. */
interface Exposition {
  contentType: string;
  metrics(): Promise<string>;
}

export interface HealthDeps {
  readiness: Readiness;
  remarks: Remarks;
  /** Aborted when the process is about to stop. */
  draining: AbortSignal;
  registry: Exposition;
  /** false: a key with scope read is needed. */
  isMetricsOpen: boolean;
  isLocalOnly: boolean;
}

export function addHealth(
  http: FastifyInstance,
  { readiness, remarks, draining, registry, isMetricsOpen, isLocalOnly }: HealthDeps,
): void {
  const open = { scope: 'open', limited: false, anyHost: 'always' } as const;
  const healthz = {
    config: open,
    schema: { summary: 'Whether the process is alive', response: { 200: HealthShape } },
  };
  http.get('/healthz', healthz, () => ({ status: 'ok' }));
  const readyz = {
    config: open,
    schema: {
      summary: 'Whether the process is ready; a 503 names what it waits for, or that it is stopping',
      response: { 200: ReadinessShape, 503: ReadinessShape },
    },
  };
  http.get('/readyz', readyz, async (_, reply) => {
    if (draining.aborted) return reply.status(503).header('retry-after', '1').send({ status: 'stopping' });
    const checks = await Promise.all(
      Object.entries(readiness).map(async ([name, check]) => [name, (await check()) ?? 'ok'] as const),
    );
    const ready = checks.every(([, answer]) => answer === 'ok');
    if (!ready) reply.status(503).header('retry-after', '1');
    const shown = checks.map(([name, answer]) => [
      name,
      answer === 'ok' ? (remarks[name]?.() ?? 'ok') : answer,
    ]);
    return { status: ready ? 'ready' : 'waiting', ...Object.fromEntries(shown) };
  });
  const metrics = {
    config: {
      scope: isMetricsOpen ? 'open' : 'read',
      limited: false,
      // A page could read them through a name that its site resolves to this machine; an address cannot be
      // abused like that.
      anyHost: isMetricsOpen && isLocalOnly ? 'unless named' : 'always',
    },
    schema: { summary: 'Metrics for Prometheus', produces: ['text/plain'] },
  } as const;
  http.get('/metrics', metrics, async (_, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
