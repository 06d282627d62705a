import { advanced, durationOrNever, list, matching, oneOf, setting, text } from '../setting.ts';
import { httpSettings } from './http.ts';

const allRoles = ['http', 'ingest', 'relay', 'settle'] as const;
export type Role = (typeof allRoles)[number];
const roles = (value: unknown): Role[] => {
  const given = list(value);
  if (given.length === 0) throw new TypeError();
  return given.map(oneOf(...allRoles));
};

/** A URL of a page that finds traces; only the path, the query and the fragment may hold the instance's id. */
const traceUrl = (value: unknown): string => {
  if (value === '') return '';
  const { protocol, host } = new URL(text(value));
  const isWeb = protocol === 'http:' || protocol === 'https:';
  if (!isWeb || host.includes('instanceid') || !text(value).includes('{instanceId}')) throw new TypeError();
  return value as string;
};

/** `number/count`, such as `0/1`. */
const cell = (value: unknown): string => {
  const [, number, count] = /^(\d{1,2})\/(1|2|4|8|16)$/.exec(text(value)) ?? [];
  if (count === undefined || Number(number) >= Number(count)) throw new TypeError();
  return value as string;
};

/** `server`: this process. */
export const serverSettings = {
  name: setting(
    matching(/^[^\p{C}\p{Zl}\p{Zp}]{0,40}$/u),
    '',
    'at most 40 printable characters',
    'The name of this environment, such as staging: shown by the page, also in its title. Set it when there is more than one.',
  ),
  traceUrl: setting(
    traceUrl,
    '',
    'empty, or an http or https URL with {instanceId}',
    'URL of the traces of an instance: a search for the span attribute messaging.message.id. Set it to link an instance to its traces.',
  ),
  cell: advanced(
    setting(
      cell,
      '0/1',
      'number/count, the count 1, 2, 4, 8 or 16, such as 1/4',
      'Number of this installation among several cells, which every instance id then contains. Set it when one PostgreSQL primary is not enough, before the first instance.',
    ),
  ),
  roles: setting(
    roles,
    [...allRoles],
    `a list out of ${allRoles.join(', ')}`,
    'Roles of this process: http, ingest, relay, settle. Change it to scale roles separately.',
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
      'Interval at which Weir reads the backlog of the stores, for metrics and alerts. 0 disables it. Raise it when these queries load a store.',
    ),
  ),
};
