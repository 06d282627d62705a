import { parseArgs } from 'node:util';
import { type Way, ways } from '../history/operation.ts';
import { CannotRun, defaultQueues, type VerifyOptions } from '../options.ts';
import { parseRedisAddress } from '../stores/addresses.ts';

export interface Command extends VerifyOptions {
  json: string | undefined;
  html: string | undefined;
  isConfirmed: boolean;
  isHelp: boolean;
}

const text = { type: 'string' } as const;
const list = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean' } as const;

const flags = {
  ...{ url: list, key: text, 'webhook-secret': text, postgres: text, redis: text, rabbitmq: text },
  ...{ 'created-queue': list, 'result-queue': text, 'release-queue': text, 'refund-queue': text },
  ...{ rate: text, duration: text, count: text, mix: text, fail: text, wait: text },
  ...{ 'no-consume': flag, 'redis-may-lose': flag, json: text, html: text, yes: flag, help: flag },
} as const;

/** Secrets come from the environment: every user of the machine can read arguments in the list of processes. @throws CannotRun */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const { values } = parse(args);
  const isHelp = values.help ?? false;
  const urls = values.url ?? (env.WEIR_URL ? [env.WEIR_URL] : []);
  if (urls.length === 0 && !isHelp) throw new CannotRun('--url is missing: where does a Weir listen?');
  const redis = readRedis(values.redis ?? env.VERIFY_REDIS);
  const mix = readMix(values.mix);
  if (mix && mix.stream > 0 && !redis) throw new CannotRun('--mix needs --redis for stream');
  return {
    ...{ urls: urls.map(readUrl), isHelp, isConfirmed: values.yes ?? false },
    key: values.key ?? env.WEIR_KEY,
    webhookSecret: values['webhook-secret'] ?? env.VERIFY_WEBHOOK_SECRET,
    postgres: values.postgres ?? env.VERIFY_POSTGRES,
    rabbitmq: values.rabbitmq ?? env.VERIFY_RABBITMQ,
    ...{ redis, mix },
    queues: {
      created: values['created-queue'] ?? defaultQueues.created,
      results: values['result-queue'] ?? defaultQueues.results,
      releases: values['release-queue'] ?? defaultQueues.releases,
      refunds: values['refund-queue'] ?? defaultQueues.refunds,
    },
    rate: readNumber('--rate', values.rate, 1, 1_000),
    durationMs: readTime('--duration', values.duration),
    count: readNumber('--count', values.count, 1, 1_000_000),
    failPercent: readNumber('--fail', values.fail, 0, 100),
    waitMs: readTime('--wait', values.wait),
    consume: !values['no-consume'],
    redisMayLose: values['redis-may-lose'] ?? false,
    ...{ json: values.json, html: values.html },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags });
  } catch (error) {
    throw new CannotRun(`${(error as Error).message}; --help lists the options`);
  }
}

function readUrl(given: string): string {
  if (/^https?:\/\/[^/]/.test(given)) return given;
  throw new CannotRun(`--url must be an http:// or https:// URL, not ${given}`);
}

function readRedis(given: string | undefined): string | undefined {
  try {
    if (given !== undefined) parseRedisAddress(given);
    return given;
  } catch (error) {
    throw new CannotRun((error as Error).message);
  }
}

function readNumber(name: string, given: string | undefined, min: number, max: number): number | undefined {
  if (given === undefined) return undefined;
  const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new CannotRun(`${name} must be a whole number from ${min} to ${max}, not ${given}`);
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

function readTime(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const [, number, unit = ''] = /^(\d{1,6})(ms|s|m)$/.exec(given) ?? [];
  if (number !== undefined) return Number(number) * (unitsMs[unit] ?? 0);
  throw new CannotRun(`${name} must be a time such as 30s or 2m, not ${given}`);
}

/** As in `weir load`: what is not named is not bought. */
function readMix(given: string | undefined): Record<Way, number> | undefined {
  if (given === undefined) return undefined;
  const mix = Object.fromEntries(ways.map((way) => [way, 0])) as Record<Way, number>;
  for (const part of given.split(',')) {
    const [, way = '', weight = '1'] = /^([a-z]+)(?:=([1-9]\d{0,2}))?$/.exec(part.trim()) ?? [];
    if (!ways.includes(way as Way)) {
      throw new CannotRun(`--mix must name ${ways.join(', ')}, each with a weight, not ${part}`);
    }
    mix[way as Way] = Number(weight);
  }
  return mix;
}
