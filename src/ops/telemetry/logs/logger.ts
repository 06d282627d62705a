import { Writable } from 'node:stream';
import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../../../config/config.ts';
import { escapeHidden } from '../../../lib/escape-hidden.ts';
import { showControlCharacters } from '../../../lib/show-control-characters.ts';
import { createRedactor } from './redact.ts';
import { tameDrawn, tameFields } from './tame-fields.ts';

/** Writes JSON lines to standard error, or readable ones on a terminal. Every line passes the redactor. */
export function createLogger(config: Config, destination?: DestinationStream): Logger {
  const { level, format } = config.log;
  const redact = createRedactor(config);
  const wantsPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  const clean = wantsPretty ? (value: unknown) => tame(redact(value)) : redact;
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: {
      logMethod(this: Logger, args: unknown[], method: (...args: unknown[]) => void) {
        method.apply(this, args.map(clean));
      },
    },
  };
  const lines = destination ?? pino.destination({ dest: 2, sync: true });
  if (!wantsPretty) return pino(options, { write: (line) => lines.write(escapeHidden(line)) });
  return pino(
    options,
    pretty({
      destination: new Writable({
        decodeStrings: false,
        write(text: string, _, done) {
          lines.write(tameDrawn(text));
          done();
        },
      }),
      sync: true,
      singleLine: true,
      translateTime: 'HH:MM:ss',
      ignore: 'pid,hostname,event',
    }),
  );
}

function tame(value: unknown): unknown {
  return typeof value === 'string' ? showControlCharacters(value) : tameFields(value);
}
