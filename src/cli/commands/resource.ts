import { openBrokerQueues, openResourceDomain } from '../../app/open-resource-domain.ts';
import { createdQueuesOf } from '../../app/queues.ts';
import { readConfig } from '../../config/config.ts';
import type { ResourceTally } from '../../ops/resource-domain/resource-domain.ts';
import { createTelemetry } from '../../ops/telemetry/telemetry.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { printJson, printNotice, printProgress } from '../output/output.ts';

interface ResourceOptions {
  config?: string;
  json?: boolean;
  delay?: string;
  fail?: string;
  silent?: string;
  late?: string;
  lateAfter?: string;
  repeat?: string;
  contradict?: string;
}

/** A simulated Resource Domain at the configured broker, until a signal ends it. */
export async function runResource(options: ResourceOptions): Promise<number> {
  const { config } = readConfig(options.config, process.env, {
    'resource.delayMs': options.delay,
    'resource.failPercent': options.fail,
    'resource.silentPercent': options.silent,
    'resource.latePercent': options.late,
    'resource.lateMs': options.lateAfter,
    'resource.repeatPercent': options.repeat,
    'resource.contradictPercent': options.contradict,
  });
  if (config.data.rabbitmq.url === '') {
    throw new CliError(
      exitCodes.usage,
      'no broker is configured: an embedded Weir simulates the Resource Domain itself (see resource.* in its configuration)',
    );
  }
  const { emit } = createTelemetry(config);
  let tally: Readonly<ResourceTally> | undefined;
  const domain = openResourceDomain(openBrokerQueues(config, emit), config.resource, emit, (current) => {
    tally = current;
  });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  printNotice(
    `reads ${createdQueuesOf(config.data.rabbitmq).join(', ')}, answers on ${config.data.rabbitmq.resultQueue}: ${JSON.stringify(config.resource)}`,
  );
  const meter = setInterval(() => showProgress(tally), 1_000);
  await domain.run(stop.signal);
  clearInterval(meter);
  await domain.close();
  printJson(tally ?? {});
  return exitCodes.ok;
}

function showProgress(tally: Readonly<ResourceTally> | undefined): void {
  if (!tally) return;
  const { received, success, failed, silent, late } = tally;
  printProgress(
    `received ${received}  success ${success}  failed ${failed}  silent ${silent}  late ${late} `,
  );
}
