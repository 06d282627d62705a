import { readConfig } from '../config.ts';
import { behaviourOf, openResourceDomain } from '../queues.ts';
import type { ResourceTally } from '../resource/resource-domain.ts';
import { createTelemetry } from '../telemetry.ts';
import { CliError, exitCodes } from './exit-codes.ts';

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
  const { notify } = createTelemetry(config);
  let tally: Readonly<ResourceTally> | undefined;
  const domain = openResourceDomain(config, notify, (current) => {
    tally = current;
  });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  process.stderr.write(
    `reads ${config.queue}, answers on ${config.resultQueue}: ${JSON.stringify(behaviourOf(config))}\n`,
  );
  const meter = setInterval(() => showProgress(tally), 1_000);
  await domain.run(stop.signal);
  clearInterval(meter);
  await domain.close();
  process.stdout.write(`${JSON.stringify(tally ?? {}, null, options.json ? undefined : 2)}\n`);
  return exitCodes.ok;
}

function showProgress(tally: Readonly<ResourceTally> | undefined): void {
  if (!tally || !process.stderr.isTTY) return;
  const { received, success, failed, silent, late } = tally;
  process.stderr.write(
    `\rreceived ${received}  success ${success}  failed ${failed}  silent ${silent}  late ${late} `,
  );
}
