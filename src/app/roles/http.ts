import type { Registry } from 'prom-client';
import { createHttpServer } from '../../adapters/http/server.ts';
import { postgresCredentials } from '../../adapters/postgres/operator-keys.ts';
import { isTransientDatabaseError } from '../../adapters/postgres/transient.ts';
import { splitAddr } from '../../lib/address.ts';
import { systemClock } from '../../lib/clock.ts';
import { KeyRing } from '../../ops/access/key-ring.ts';
import { measureReadiness } from '../../ops/telemetry/metrics/stores.ts';
import type { Components } from '../components.ts';
import { reportFailure } from '../report-failure.ts';
import { createRoutes, type RouteOptions, type RouteParts } from '../routes/routes.ts';

type HttpParts = RouteParts & Pick<Components, 'lifecycle' | 'tracing'>;

interface HttpProcess extends Pick<RouteOptions, 'draining' | 'resource'> {
  registry: Registry;
}

/** The role `http`. Without it only the health routes answer. @returns the address it listens on */
export async function addHttp(components: HttpParts, own: HttpProcess): Promise<string> {
  const { config, emit, lifecycle, readiness, streams } = components;
  // Also for the role `http` alone, which sells units.
  if (config.data.redis.addr !== '') readiness.streams = streams.notReady;
  measureReadiness(own.registry, readiness);
  const stopping = new AbortController();
  const keyRing = createKeyRing(components);
  const http = await createHttpServer({
    ...{ config: config.server, emit, readiness, registry: own.registry, draining: own.draining },
    remarks: { streams: streams.remark },
    keyRing,
    tracing: components.tracing.requests,
    isTransient: isTransientDatabaseError,
    routes: createRoutes(components, { ...own, keyRing, stopping: stopping.signal }),
  });
  lifecycle.defer('http', async () => {
    // Lets accepted connections and received requests be read first: unread data is reset when the server
    // closes.
    await new Promise(setImmediate);
    await http.close();
  });
  // Closed first: the server waits for its last answer, and long polls may never be answered.
  lifecycle.defer('buyers who wait', () => stopping.abort());
  return http.listen(splitAddr(config.server.http.addr));
}

/** A deadline of its own: an unanswered read must not block the next one. */
const keysDeadlineMs = 3_000;

function createKeyRing({ config, database, emit }: Pick<HttpParts, 'config' | 'database' | 'emit'>): KeyRing {
  return new KeyRing({
    ...postgresCredentials(database.withDeadline(keysDeadlineMs)),
    configuredKeys: config.server.http.operatorKeys,
    clock: systemClock,
    onFailure: reportFailure(emit, 'database'),
  });
}
