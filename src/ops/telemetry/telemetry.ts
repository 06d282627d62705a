import type { DestinationStream } from 'pino';
import { Registry } from 'prom-client';
import type { Config } from '../../config/config.ts';
import type { Emit } from './events.ts';
import { createLineWriter } from './logs/log-lines.ts';
import { createLogger } from './logs/logger.ts';
import { createMetrics } from './metrics/metrics.ts';

export interface Telemetry {
  emit: Emit;
  registry: Registry;
}

/** `destination`: where the log is written; default standard error. */
export function createTelemetry(config: Config, destination?: DestinationStream): Telemetry {
  const registry = new Registry();
  const measure = createMetrics(registry, config);
  const writeLines = createLineWriter(createLogger(config, destination));
  return {
    registry,
    emit(event) {
      measure(event);
      writeLines(event);
    },
  };
}
