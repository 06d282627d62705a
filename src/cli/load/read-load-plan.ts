import { parseInt64 } from '../../core/instance/purchase.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { type FailRule, readFailRules } from './fail-rules.ts';
import { steps } from './follow-purchases.ts';
import { type Mix, readMix } from './mix.ts';
import { countArrivals } from './plan-arrivals.ts';
import {
  type LoadShape,
  readDuration,
  readLoadShape,
  type ShapeOptions,
  sumOfDurations,
} from './read-stages.ts';
import { requestsOf } from './send-purchases.ts';

export interface PlanOptions extends ShapeOptions {
  arrivals: 'constant' | 'poisson';
  mix: string;
  product: string;
  source: string;
  connections: string;
  maxInFlight: string;
  wait: string;
  failIf?: readonly string[];
  yes?: boolean;
}

export interface LoadPlan {
  shape: LoadShape;
  durationMs: number;
  arrivals: PlanOptions['arrivals'];
  mix: Mix;
  product: string;
  source: string;
  connections: number;
  maxInFlight: number;
  waitMs: number;
  rules: FailRule[];
}

/** Larger loads require --yes: a typing error should not fill a database. */
const unconfirmed = { arrivals: 5_000_000, rate: 20_000, durationMs: 3_600_000 };
const mostConnections = 5_000;
const mostInFlight = 100_000;

/** @throws CliError with the rule that an option breaks */
export function readLoadPlan(options: PlanOptions): LoadPlan {
  const { product, source, arrivals } = options;
  const shape = readLoadShape(options);
  const mix = readMix(options.mix);
  const waitMs = readDuration('--wait', options.wait, 0);
  const requests = [...mix.keys()].flatMap((operation) => requestsOf[operation]);
  const rules = readFailRules(options.failIf ?? [], { requests, steps, isFollowed: waitMs > 0 });
  if (parseInt64(product) === undefined) {
    throw new CliError(
      exitCodes.usage,
      `--product ${product}: expected an integer from 1 to ${2n ** 63n - 1n}`,
    );
  }
  if (!/^[A-Z][A-Z0-9_]{0,19}$/.test(source) || ['ORDER', 'SECKILL'].includes(source)) {
    const rule = 'expected 1 to 20 of A-Z, 0-9 and _, beginning with a letter; not ORDER or SECKILL';
    throw new CliError(exitCodes.usage, `--source ${source}: ${rule}`);
  }
  const connections = readCount('--connections', options.connections, mostConnections);
  const maxInFlight = readCount('--max-in-flight', options.maxInFlight, mostInFlight);
  const durationMs = sumOfDurations(shape.stages);
  if (!options.yes) requireModest(shape, durationMs);
  return { shape, durationMs, arrivals, mix, product, source, connections, maxInFlight, waitMs, rules };
}

function readCount(name: string, text: string, most: number): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  throw new CliError(exitCodes.usage, `${name} ${text}: expected an integer from 1 to ${most}`);
}

function requireModest(shape: LoadShape, durationMs: number): void {
  const rate = Math.max(shape.startRate, ...shape.stages.map((stage) => stage.rate));
  const isModest =
    rate <= unconfirmed.rate &&
    durationMs <= unconfirmed.durationMs &&
    countArrivals(shape) <= unconfirmed.arrivals;
  if (isModest) return;
  const { arrivals } = unconfirmed;
  const limits = `${unconfirmed.rate} a second, 1h or ${arrivals} purchases`;
  throw new CliError(exitCodes.usage, `more than ${limits} must be confirmed with --yes`);
}
