import { RefundReports } from '../domain/refund-reports.ts';
import { ResourceDomain } from '../domain/resource-domain.ts';
import type { Shop } from '../drive/shop.ts';
import { CannotRun, defaultQueues, type VerifyOptions } from '../options.ts';
import { ReadOnlyPostgres } from '../stores/postgres.ts';
import { StreamStore } from '../stores/redis.ts';
import { closeShop, openShop, requireFreeQueues, requireReady } from './set-up.ts';
import { Weirs } from './weirs.ts';

/** What the run talks to. */
export interface Installation {
  weirs: Weirs;
  streams: StreamStore | undefined;
  postgres: ReadOnlyPostgres | undefined;
  /** undefined: another Resource Domain consumes. */
  domain: ResourceDomain | undefined;
  reports: RefundReports;
  close(): Promise<void>;
}

const defaultFailPercent = 10;

/** @param signal ends what is still being repeated @throws CannotRun when a part of it does not answer */
export async function openInstallation(
  options: VerifyOptions,
  shop: Shop,
  signal: AbortSignal,
): Promise<Installation> {
  const { redis, postgres: database, rabbitmq, webhookSecret, consume = true } = options;
  const weirs = new Weirs(options.urls, options.key);
  const reports = new RefundReports(weirs, webhookSecret, signal);
  const streams = redis ? new StreamStore(redis) : undefined;
  const postgres = database ? new ReadOnlyPostgres(database) : undefined;
  const queues = { ...defaultQueues, ...options.queues };
  const failPercent = options.failPercent ?? defaultFailPercent;
  const reportRefund = reports.report.bind(reports);
  const domain =
    rabbitmq && consume
      ? new ResourceDomain({ rabbitmq, queues, shop, failPercent, reportRefund })
      : undefined;
  const opened: (() => unknown)[] = [() => streams?.close(), () => postgres?.close(), () => domain?.close()];
  const close = async () => {
    for (const end of opened.reverse()) await end();
  };
  try {
    await requireReady(weirs);
    await streams?.ping().catch(explain('Redis'));
    await postgres?.query('SELECT FROM instance_logs LIMIT 0').catch(explain('PostgreSQL'));
    if (rabbitmq && domain) await requireFreeQueues(rabbitmq, queues).catch(explain('RabbitMQ'));
    await openShop(weirs, shop);
    opened.push(() => closeShop(weirs, shop));
    await domain?.open().catch(explain('RabbitMQ'));
    return { weirs, streams, postgres, domain, reports, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function explain(store: string): (error: Error) => never {
  return (error) => {
    if (error instanceof CannotRun) throw error;
    throw new CannotRun(`cannot use ${store}: ${error.message}`);
  };
}
