import { behaviourOf, openResourceDomain } from '../../app/queues.ts';
import { readConfig } from '../../config/config.ts';
import type { ResourceTally } from '../../ops/resource-domain/resource-domain.ts';
import { createTelemetry } from '../../ops/telemetry/telemetry.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { printJson, printNotice, printProgress } from '../output/output.ts';

export interface ResourceOptions {
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
    resourceDelayMs: options.delay,
    resourceFailPercent: options.fail,
    resourceSilentPercent: options.silent,
    resourceLatePercent: options.late,
    resourceLateMs: options.lateAfter,
    resourceRepeatPercent: options.repeat,
    resourceContradictPercent: options.contradict,
  });
  if (config.rabbitmqUrl === '') {
    throw new CliError(
      exitCodes.usage,
      'no broker is configured: an embedded Weir answers by itself, as resource.* in its configuration says',
    );
  }
  const { emit } = createTelemetry(config);
  let tally: Readonly<ResourceTally> | undefined;
  const domain = openResourceDomain(config, emit, (current) => {
    tally = current;
  });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  printNotice(
    `reads ${config.queue}, answers on ${config.resultQueue}: ${JSON.stringify(behaviourOf(config))}`,
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
