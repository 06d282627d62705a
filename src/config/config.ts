import { readFileSync } from 'node:fs';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { findContradictions } from './check-config.ts';
import { type Mistake, readEntries } from './config-file.ts';
import { readVariables } from './config-variables.ts';
import { Expectation } from './setting.ts';
import { allSettings, type Config, mapSettings } from './settings.ts';

export type { Config, Role } from './settings.ts';
export type HttpConfig = Config['server']['http'];
export type DataConfig = Config['data'];

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
 * Reads the defaults, overridden by the file, the environment and the flags (by key), in this order.
 *
 * @returns the configuration, and warnings about unused keys
 * @throws ConfigError with all mistakes at once
 */
export function readConfig(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
  flags: Readonly<Record<string, unknown>> = {},
): { config: Config; warnings: string[] } {
  const { entries, mistakes, warnings } = readEntries(
    readFile(file),
    new Set(allSettings.map(({ key }) => key)),
  );
  const { values, mistakes: misspelt } = readVariables(env, allSettings);
  for (const [key, value] of values) entries.set(key, value);
  mistakes.push(...misspelt);
  const config = mapSettings(({ key, setting }) => {
    const value = flags[key] ?? entries.get(key);
    if (value === undefined || value === null) return setting.default;
    try {
      return setting.parse(value);
    } catch (error) {
      const expected = error instanceof Expectation ? error.message : setting.expected;
      const shown = setting.isSecret ? '(not shown)' : JSON.stringify(value);
      mistakes.push({ key, value: shown, expected });
      return setting.default;
    }
  });
  if (mistakes.length === 0) mistakes.push(...findContradictions(config));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return { config, warnings };
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

/** Only code and line of a YAML error: its message quotes the file, which may contain a secret. */
function describeFileError(error: unknown): string {
  if (error instanceof YAMLParseError) return `${error.code} in line ${error.linePos?.[0].line}`;
  return error instanceof Error && 'code' in error ? String(error.code) : 'not YAML';
}
