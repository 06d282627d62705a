import { advanced, durationOrNever, list, oneOf, setting } from '../setting.ts';
import { httpSettings } from './http.ts';

const allRoles = ['http', 'ingest', 'relay', 'settle'] as const;
export type Role = (typeof allRoles)[number];
const roles = (value: unknown): Role[] => {
  const given = list(value);
  if (given.length === 0) throw new TypeError();
  return given.map(oneOf(...allRoles));
};

/** `server`: this process. */
export const serverSettings = {
  roles: setting(
    roles,
    [...allRoles],
    `a list out of ${allRoles.join(', ')}`,
    'What this process does: answer HTTP, read streams, publish events, settle results. Change it to scale roles apart.',
  ),
  http: httpSettings,
};

export const demoSettings = {
  enabled: setting(
    oneOf('auto', 'true', 'false'),
    'auto',
    'auto, true or false',
    'Load the demo catalogue at start and offer POST /v1/try/seckill. auto: with the embedded database. Set false for a shop on embedded stores.',
  ),
};

export const logSettings = {
  level: setting(
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'info',
    'debug, info, warn, error or silent',
    'What is logged, to standard error. Set debug to see a line for each batch.',
  ),
  format: setting(
    oneOf('auto', 'json', 'pretty'),
    'auto',
    'auto, json or pretty',
    'auto: pretty on a terminal, else JSON. Set json when a terminal multiplexer collects the log.',
  ),
};

export const metricsSettings = {
  backlogEveryMs: advanced(
    durationOrNever(
      1_000,
      5_000,
      'How often the backlog of the stores is read, for metrics and alerts. 0 disables it. Raise it when these queries load a store.',
    ),
  ),
};
