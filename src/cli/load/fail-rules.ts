import { CliError, exitCodes } from '../exit-codes.ts';

/** Such as `p99>500ms`: breached when it is true. */
export interface FailRule {
  text: string;
  /** A kind of request or a step of the purchase; undefined: all requests. */
  of: string | undefined;
  metric: string;
  comparison: '>' | '>=' | '<' | '<=';
  /** ms, a count, a rate, or percent. */
  limit: number;
  isShare: boolean;
}

/** The figures that a rule may name. */
interface RuleSubjects {
  requests: readonly string[];
  steps: readonly string[];
  /** Whether purchases are followed after the run. */
  isFollowed: boolean;
}

const pattern =
  /^(?:([a-z]+)\.)?(p\d{1,2}(?:\.\d{1,3})?|max|errors|refused|dropped|rate|unfinished)(>=|<=|>|<)(\d{1,9}(?:\.\d{1,6})?)(ms|s|%)?$/;

/**
 * @returns the given rules; errors, dropped and unfinished each fail above 0 unless a rule covers them
 * @throws CliError
 */
export function readFailRules(texts: readonly string[], subjects: RuleSubjects): FailRule[] {
  const given = texts.map((text) => readFailRule(text, subjects));
  const defaults = ['errors', 'dropped', ...(subjects.isFollowed ? ['unfinished'] : [])];
  const missing = defaults.filter((name) => given.every(({ metric }) => metric !== name));
  return [...given, ...missing.map((name) => readFailRule(`${name}>0`, subjects))];
}

function readFailRule(text: string, subjects: RuleSubjects): FailRule {
  const [, of, metric, comparison, number, unit] = pattern.exec(text.replaceAll(' ', '')) ?? [];
  const mistake =
    metric === undefined
      ? 'METRIC>VALUE, such as p99>500ms, buy.max>2s, errors>0.1%, dropped>10 or rate<900'
      : findMistake(metric, of, unit, subjects);
  if (mistake) throw new CliError(exitCodes.usage, `--fail-if ${text}: expected ${mistake}`);
  return {
    ...{ text, of, metric: metric as string },
    comparison: comparison as FailRule['comparison'],
    limit: Number(number) * (unit === 's' ? 1000 : 1),
    isShare: unit === '%',
  };
}

/** @returns what was expected instead */
function findMistake(
  metric: string,
  of: string | undefined,
  unit: string | undefined,
  { requests, steps, isFollowed }: RuleSubjects,
): string | undefined {
  const isTime = unit === 'ms' || unit === 's';
  if (isLatency(metric)) {
    if (Number(metric.slice(1)) === 0) return 'a percentile above 0, such as p50';
    if (!isTime) return `a time for ${metric}, such as 500ms or 2s`;
  } else if (isTime) return `a number for ${metric}, or a percentage`;
  if (metric === 'rate' && unit === '%') return 'answers a second for rate, such as rate<900';
  const isOfStep = of !== undefined && steps.includes(of);
  if ((isOfStep || metric === 'unfinished') && !isFollowed) return '--wait above 0s for a rule about results';
  if (metric === 'unfinished' && of !== undefined) return 'nothing before unfinished';
  if (of === undefined || requests.includes(of) || (isOfStep && isLatency(metric))) return undefined;
  return `one of ${requests.join(', ')} before the dot, or for a time one of ${steps.join(', ')}`;
}

function isLatency(metric: string): boolean {
  return metric === 'max' || /^p\d/.test(metric);
}

/** The measurements that rules about one kind of request, or one step, are compared with. */
export interface Measured {
  /** ms; undefined when nothing was measured. 100 is the maximum. */
  at?(percent: number): number | undefined;
  /** By metric, each with the total it is a share of. */
  counts?: Readonly<Record<string, { count: number; of: number }>>;
}

export interface EvaluatedRule {
  rule: string;
  /** ms, a count, a rate, or percent; absent when nothing was measured. */
  value?: number;
  breached: boolean;
}

/** A rule about something that was not measured is breached: no answer is not a fast one. */
export function evaluateRule(rule: FailRule, measured: Measured | undefined): EvaluatedRule {
  const value = readValue(rule, measured);
  if (value === undefined) return { rule: rule.text, breached: true };
  const { limit, comparison } = rule;
  const isEqual = value === limit && comparison.length === 2;
  return {
    rule: rule.text,
    value,
    breached: isEqual || (comparison[0] === '>' ? value > limit : value < limit),
  };
}

function readValue({ metric, isShare }: FailRule, measured: Measured | undefined): number | undefined {
  if (isLatency(metric)) return measured?.at?.(metric === 'max' ? 100 : Number(metric.slice(1)));
  const counted = measured?.counts?.[metric];
  if (!counted) return undefined;
  if (!isShare) return counted.count;
  return counted.of === 0 ? 0 : (100 * counted.count) / counted.of;
}
