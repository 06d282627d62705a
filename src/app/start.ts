import { createBacklogReader } from '../adapters/postgres/backlog.ts';
import type { Config, Role } from '../config/config.ts';
import { pause } from '../lib/backoff.ts';
import { Lifecycle } from '../lib/lifecycle.ts';
import type { Backlog } from '../ops/live/backlog.ts';
import { watchBacklog } from '../ops/live/watch-backlog.ts';
import type { Emit } from '../ops/telemetry/events.ts';
import type { Telemetry } from '../ops/telemetry/telemetry.ts';
import { type Components, createComponents } from './components.ts';
import { prepareDatabase } from './prepare-database.ts';
import { addHttp } from './roles/http.ts';
import { addIngest } from './roles/ingest.ts';
import { addRelay } from './roles/relay.ts';
import { addSettle } from './roles/settle.ts';
import { addSimulatedDomain } from './simulated-domain.ts';
import { describeStores } from './stores.ts';

export interface App {
  /** http://host:port, with the port actually taken. */
  url: string;
  /** Resolves when the stores are reachable and everything works; rejects when that cannot happen. */
  ready: Promise<void>;
  /**
   * Stops the intake first, then the relay, then the connections. `drains`: before that, requests are served
   * for another server.http.drainMs while /readyz answers 503, so that a balancer stops sending.
   */
  stop(options?: { drains?: boolean }): Promise<void>;
}

/** Connects all parts: the only file that knows the business logic and every technology. */
export async function startApp(config: Config, telemetry: Telemetry): Promise<App> {
  const { emit } = telemetry;
  const lifecycle = createLifecycle(emit);
  const stopping = new AbortController();
  const draining = new AbortController();
  try {
    const components = await createComponents(config, emit, lifecycle);
    const has = (role: Role) => config.server.roles.includes(role);
    // In the order of opening; they close in reverse.
    if (has('relay')) addRelay(components);
    addIntakeGate(components);
    if (has('ingest')) addIngest(components);
    if (has('settle')) addSettle(components);
    const resource = has('settle') ? addSimulatedDomain(components) : undefined;
    if (config.metrics.backlogEveryMs > 0) addBacklogWatch(components);
    addSaleGuard(components);
    const url = await addHttp(components, {
      registry: telemetry.registry,
      draining: draining.signal,
      resource,
    });

    const ready = prepareDatabase(config, components.database, emit, stopping.signal).then(() => {
      delete components.readiness.start;
      if (stopping.signal.aborted) return;
      lifecycle.begin();
      emit({ type: 'started', addr: url, stores: describeStores(config.data), roles: config.server.roles });
    });
    ready.catch(() => {});

    return {
      url,
      ready,
      async stop({ drains = false } = {}) {
        const isServing = components.readiness.start === undefined && config.server.roles.includes('http');
        draining.abort();
        if (drains && isServing) await pause(config.server.http.drainMs);
        stopping.abort();
        await ready.catch(() => {});
        await lifecycle.close();
        emit({ type: 'stopped' });
      },
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

function createLifecycle(emit: Emit): Lifecycle {
  return new Lifecycle({
    releaseDeadlineMs: 15_000,
    onHang: (part) => emit({ type: 'stop hung', part }),
    onFailure: (part, error) => emit({ type: 'store failed', store: part, error, attempt: 1 }),
  });
}

function addIntakeGate({
  lifecycle,
  readiness,
  gate,
}: Pick<Components, 'lifecycle' | 'readiness' | 'gate'>): void {
  readiness.database = () => gate.notReady;
  lifecycle.plan('intake gate', (signal) => gate.run(signal));
}

function addBacklogWatch({
  config,
  emit,
  lifecycle,
  database,
  streams,
}: Pick<Components, 'config' | 'emit' | 'lifecycle' | 'database' | 'streams'>): void {
  const parts = {
    readDatabase: createBacklogReader(database),
    readStreams: config.server.roles.includes('ingest') ? streams.readBacklog : undefined,
    onRead: (backlog: Backlog) => emit({ type: 'backlog read', backlog }),
  };
  lifecycle.plan('backlog watch', (signal) => watchBacklog(parts, config.metrics.backlogEveryMs, signal));
}

function addSaleGuard({
  lifecycle,
  streams: { guard, pairing },
}: Pick<Components, 'lifecycle' | 'streams'>): void {
  if (pairing) lifecycle.plan('store pairing', (signal) => pairing.run(signal));
  if (guard) lifecycle.plan('sale guard', (signal) => guard.run(signal));
}
