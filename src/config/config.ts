import { readFileSync } from 'node:fs';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { isLocalOnly, isLoopback, splitAddr } from '../lib/address.ts';
import { type Mistake, readEntries } from './config-file.ts';
import { readVariables } from './config-variables.ts';
import type { Setting } from './setting.ts';
import { type Config, settings } from './settings.ts';

export type { Config, Role } from './settings.ts';

export class ConfigError extends Error {
  constructor(mistakes: readonly Mistake[]) {
    const lines = mistakes.map(({ key, value, expected }) => `  ${key} = ${value}: expected ${expected}`);
    super(
      `the configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${lines.join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

/**
 * File below environment below flags, each over the defaults.
 *
 * @returns the configuration, and warnings about keys that mean nothing here
 * @throws ConfigError with all mistakes at once
 */
export function readConfig(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
  flags: Partial<Record<keyof Config, unknown>> = {},
): { config: Config; warnings: string[] } {
  const { entries, mistakes, warnings } = readEntries(readFile(file), new Set(keysOf(settings)));
  const { values, mistakes: misspelt } = readVariables(env, Object.values(settings));
  for (const [key, value] of values) entries.set(key, value);
  mistakes.push(...misspelt);
  const config: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(settings) as [keyof Config, Setting<unknown>][]) {
    const value = flags[name] ?? entries.get(definition.key);
    try {
      config[name] = value === undefined || value === null ? definition.default : definition.parse(value);
    } catch {
      mistakes.push({
        key: definition.key,
        value: definition.secret ? '(not shown)' : JSON.stringify(value),
        expected: definition.expected,
      });
    }
  }
  if (mistakes.length === 0) mistakes.push(...findUnsafeBinding(config as Config));
  if (mistakes.length === 0) mistakes.push(...findDatabaseMistakes(config as Config));
  if (mistakes.length === 0) mistakes.push(...findTlsMistakes(config as Config));
  if (mistakes.length === 0) mistakes.push(...findQueueMistakes(config as Config));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return { config: config as Config, warnings };
}

function keysOf(table: Record<string, { key: string }>): string[] {
  return Object.values(table).map(({ key }) => key);
}

function readFile(file: string | undefined): unknown {
  if (file === undefined) return {};
  try {
    return parseYaml(readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    const reason = describeFileError(error);
    throw new ConfigError([{ key: '--config', value: file, expected: `a readable YAML file (${reason})` }]);
  }
}

/** A YAML error by code and line only: its message quotes the file, and with it perhaps a secret. */
function describeFileError(error: unknown): string {
  if (error instanceof YAMLParseError) return `${error.code} in line ${error.linePos?.[0].line}`;
  return error instanceof Error && 'code' in error ? String(error.code) : 'not YAML';
}

/** Otherwise every caller that reaches the port could create an instance for itself. */
function findUnsafeBinding(config: Config): Mistake[] {
  if (isLocalOnly(config) || !config.roles.includes('http')) return [];
  const expected = `at least one, because ${describeExposure(config)}`;
  return (['webhookSecrets', 'operatorKeys'] as const)
    .filter((name) => config[name].length === 0)
    .map((name) => ({ key: settings[name].key, value: '(empty)', expected }));
}

function describeExposure({ addr, hosts }: Config): string {
  const sentence = `${addr} can be reached from other machines`;
  if (!isLoopback(splitAddr(addr).host)) return sentence;
  const { key } = hosts.length > 0 ? settings.hosts : settings.trustedProxies;
  return `${sentence} through a proxy, for which ${key} is set`;
}

/** Each lane of the relay holds a connection while it publishes: with as many as there are, purchases would get none. */
function findDatabaseMistakes(config: Config): Mistake[] {
  if (config.databaseSource === '') return [];
  const mistakes: Mistake[] = [];
  if (config.roles.includes('relay') && config.lanes >= config.databaseConnections) {
    const { key } = settings.databaseConnections;
    const expected = `fewer than ${key}, which is ${config.databaseConnections}: each lane holds a connection`;
    mistakes.push({ key: settings.lanes.key, value: String(config.lanes), expected });
  }
  return mistakes;
}

function findTlsMistakes(config: Config): Mistake[] {
  const pairs = [
    ['databaseSource', 'databaseTlsCert', 'databaseTlsKey'],
    ['redisAddr', 'redisTlsCert', 'redisTlsKey'],
    ['rabbitmqUrl', 'rabbitmqTlsCert', 'rabbitmqTlsKey'],
  ] as const;
  const expected = 'a file, because the certificate and its key go together';
  return pairs
    .filter(([store, cert, key]) => config[store] !== '' && (config[cert] === '') !== (config[key] === ''))
    .map(([, cert, key]) => settings[config[cert] === '' ? cert : key])
    .map((missing) => ({ key: missing.key, value: '(empty)', expected }));
}

/** What is read from the dead-letter queue is parked: results or events must not come that way. */
function findQueueMistakes(config: Config): Mistake[] {
  const { deadLetterQueue, queue, resultQueue, releaseQueue, refundQueue } = config;
  if (![queue, resultQueue, releaseQueue, refundQueue].includes(deadLetterQueue)) return [];
  const expected = 'a queue of its own, because Weir parks what is on it';
  return [{ key: settings.deadLetterQueue.key, value: deadLetterQueue, expected }];
}
