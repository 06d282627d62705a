import { listHosts } from '../lib/list-hosts.ts';
import { readRedisAddress } from '../lib/redis-address.ts';

/**
 * How one setting is read. Its key is its path in the tree of settings.ts; the environment and the file
 * provide its value.
 */
export interface Setting<T> {
  parse: (value: unknown) => T;
  /** Completes "expected …". */
  expected: string;
  default: T;
  /** What it does, and when to change it. */
  sentence: string;
  /** Never printed. */
  isSecret?: boolean;
  /** Documented separately: few installations change it. */
  isAdvanced?: boolean;
}

// Parsers convert text from the environment or a YAML value. Each throws TypeError for an invalid value.

/** Thrown by a parser that knows more than `expected` says; its message replaces it. */
export class Expectation extends TypeError {}

export const text = (value: unknown): string => {
  if (typeof value !== 'string') throw new TypeError();
  return value;
};
export const oneOf =
  <T extends string>(...choices: T[]) =>
  (value: unknown): T => {
    // YAML reads true as a boolean and 1 as a number; the words are meant.
    const choice = choices.find((candidate) => candidate === String(value));
    if (choice === undefined) throw new TypeError();
    return choice;
  };
const integer = (least: number, most: number) => (value: unknown) => {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (!Number.isInteger(number) || (number as number) < least || (number as number) > most)
    throw new TypeError();
  return number as number;
};
/** 0 to 100, fractions allowed. */
const percent = (value: unknown): number => {
  const number = typeof value === 'string' && /^\d{1,3}(\.\d{1,6})?$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 0 && number <= 100)) throw new TypeError();
  return number;
};
export const flag = (value: unknown): boolean => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw new TypeError();
};
export const list = (value: unknown): string[] => {
  const items = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'string')) throw new TypeError();
  return items.map((item) => item.trim()).filter((item) => item !== '');
};
export const address = (value: unknown): string => {
  const port = /^(?:\[[0-9a-fA-F:]+\]|[^:\s]*):(\d{1,5})$/.exec(text(value))?.[1];
  if (port === undefined || Number(port) > 65_535) throw new TypeError();
  return value as string;
};
function readKind(value: string): string {
  try {
    return readRedisAddress(value).kind;
  } catch (error) {
    throw new Expectation((error as Error).message);
  }
}

/** One server, the primary that Sentinels name, or a cluster: see lib/redis-address.ts. */
export const redisAddress = (value: unknown): string => {
  if (value === '') return '';
  if (readKind(text(value)) !== 'server') return value as string;
  return text(value).includes('://') ? url('redis:', 'rediss:')(value) : address(value);
};
export const listOf = (pattern: RegExp) => (value: unknown) => {
  const items = list(value);
  if (!items.every((item) => pattern.test(item))) throw new TypeError();
  return items;
};
export const matching = (pattern: RegExp) => (value: unknown) => {
  if (typeof value !== 'string' || !pattern.test(value)) throw new TypeError();
  return value;
};
export const url =
  (...protocols: string[]) =>
  (value: unknown): string => {
    if (value === '') return '';
    if (!protocols.includes(new URL(text(value)).protocol)) throw new TypeError();
    return value as string;
  };

/** A URL, or one with several hosts (`listHosts`). `check` receives the URL of each host. */
export const urlOfHosts =
  (protocols: readonly string[], check: (hosts: readonly URL[]) => void = () => {}) =>
  (value: unknown): string => {
    if (value === '') return '';
    check(splitIntoHosts(text(value)).map((host) => new URL(url(...protocols)(host))));
    return value as string;
  };

function splitIntoHosts(value: string): string[] {
  if (!value.includes('://')) throw new TypeError();
  try {
    return listHosts(value);
  } catch (error) {
    throw new Expectation((error as Error).message);
  }
}

// Kinds of settings.

export function setting<T>(
  parse: (value: unknown) => T,
  defaultValue: T,
  expected: string,
  sentence: string,
): Setting<T> {
  return { parse, default: defaultValue, expected, sentence };
}

export function secret<T>(inner: Setting<T>): Setting<T> {
  return { ...inner, isSecret: true };
}

export function advanced<T>(inner: Setting<T>): Setting<T> {
  return { ...inner, isAdvanced: true };
}

export function count(least: number, most: number, defaultValue: number, sentence: string): Setting<number> {
  return setting(integer(least, most), defaultValue, `an integer from ${least} to ${most}`, sentence);
}

export function queueName(defaultValue: string, sentence: string): Setting<string> {
  const expected = 'a queue name of 1 to 255 visible ASCII characters';
  return setting(matching(/^[\x21-\x7e]{1,255}$/), defaultValue, expected, sentence);
}

export function duration(
  least: number,
  defaultValue: number,
  sentence: string,
  most = aYearMs,
): Setting<number> {
  return setting(integer(least, most), defaultValue, `milliseconds, ${least} to ${most}`, sentence);
}

/** Like `duration`; 0 means never. */
export function durationOrNever(least: number, defaultValue: number, sentence: string): Setting<number> {
  const parse = (value: unknown) => (String(value) === '0' ? 0 : integer(least, tenYearsMs)(value));
  return setting(parse, defaultValue, `0, or milliseconds, ${least} to ${tenYearsMs}`, sentence);
}

export function share(sentence: string): Setting<number> {
  return setting(percent, 0, 'a number from 0 to 100', sentence);
}

export const aDayMs = 86_400_000;
const aYearMs = 365 * aDayMs;
const tenYearsMs = 10 * aYearMs;
