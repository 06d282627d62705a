import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../config.ts';
import { createRedactor } from './redact.ts';

/** JSON lines to standard error, or readable ones on a terminal. Every line passes the redactor, whoever writes it. */
export function createLogger(config: Config, destination?: DestinationStream): Logger {
  const { logLevel, logFormat } = config;
  const redact = createRedactor(config);
  const options = {
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: {
      logMethod(this: Logger, args: unknown[], method: (...args: unknown[]) => void) {
        method.apply(this, args.map(redact));
      },
    },
  };
  const wantsPretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stderr.isTTY);
  if (!wantsPretty) return pino(options, destination ?? pino.destination({ dest: 2, sync: true }));
  return pino(
    options,
    pretty({
      destination: destination ?? 2,
      sync: true,
      translateTime: 'HH:MM:ss',
      ignore: 'pid,hostname,event',
    }),
  );
}
