import { createHttpServer } from '../../adapters/http/server.ts';
import { markKeysUsed, readCredentials } from '../../adapters/postgres/operator-keys.ts';
import { isTransientDatabaseError } from '../../adapters/postgres/transient.ts';
import { splitAddr } from '../../lib/address.ts';
import { systemClock } from '../../lib/clock.ts';
import { KeyRing } from '../../ops/access/key-ring.ts';
import { measureReadiness } from '../../ops/telemetry/metrics/stores.ts';
import { type Components, reportFailure } from '../components.ts';
import { createRoutes, type HttpProcess, type HttpRole } from './http-routes.ts';

/** The role `http`. Without it only the health routes answer. @returns the address it listens on */
export async function addHttp(components: Components, own: HttpProcess): Promise<string> {
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

function createKeyRing({ config, database, emit }: HttpRole): KeyRing {
  const keys = database.withDeadline(keysDeadlineMs);
  return new KeyRing({
    readCredentials: () => readCredentials(keys),
    markUsed: (ids) => markKeysUsed(keys, ids),
    configuredKeys: config.server.http.operatorKeys,
    clock: systemClock,
    onFailure: reportFailure(emit, 'database'),
  });
}
