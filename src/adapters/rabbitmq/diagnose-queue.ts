import type { Finding } from '../../lib/finding.ts';
import type { Policy, QueuePolicies } from './management.ts';
import { safeDeliveryLimit } from './queue.ts';
import type { QueueFacts } from './queue-facts.ts';

export interface QueueCase extends Partial<QueuePolicies> {
  facts: QueueFacts;
  deadLetterQueue: string;
  vhost: string;
  /** RabbitMQ 4 drops a message after 20 returns unless a limit is set. */
  brokerMajor: number;
}

interface Danger {
  what: string;
  /** The remedy: a policy, or only a new queue. */
  cure: 'policy' | 'new queue';
}

const about = 'RabbitMQ';

/** Lists every way in which a queue can drop a message, and the command that prevents it. */
export function diagnoseQueue(one: QueueCase): Finding {
  const { facts, policy, operatorPolicy } = one;
  const { queue } = facts;
  if (typeOf(one) === 'stream') {
    const advice = `run: rabbitmqctl${flagOf(one)} delete_queue ${quote(queue)}; Weir creates it again`;
    return { about, level: 'problem', what: `queue ${queue} is a stream, which Weir does not use`, advice };
  }
  if (facts.hidden !== undefined) {
    const advice = 'let the user of Weir declare the queue, so that its arguments can be checked';
    return { about, level: 'warning', what: `queue ${queue} cannot be checked: ${facts.hidden}`, advice };
  }
  const dangers = listDangers(one);
  if (dangers.length === 0) {
    const what = `queue ${queue} exists, is durable and drops nothing`;
    return { about, level: 'ok', what, advice: '' };
  }
  const advice: string[] = [];
  if (operatorPolicy && listsDanger(operatorPolicy)) {
    advice.push(`rabbitmqctl${flagOf(one)} clear_operator_policy ${quote(operatorPolicy.name)}`);
  }
  if (dangers.some(({ cure }) => cure === 'policy') || (policy && listsDanger(policy)))
    advice.push(policyCommand(one));
  if (dangers.some(({ cure }) => cure === 'new queue')) {
    advice.push(
      `when the queue is empty: rabbitmqctl${flagOf(one)} delete_queue ${quote(queue)} --if-empty (Weir creates it again)`,
    );
  }
  const what = `queue ${queue} can lose messages: ${dangers.map((danger) => danger.what).join('; ')}`;
  return { about, level: 'warning', what, advice: `run ${advice.join('; then ')}` };
}

function listDangers(one: QueueCase): Danger[] {
  const { facts, deadLetterQueue, brokerMajor } = one;
  const dangers: Danger[] = [];
  const add = (what: string, cure: Danger['cure']) => dangers.push({ what, cure });
  const has = (key: string) => facts.arguments[`x-${key}`] !== undefined;
  /** An argument cannot be changed; what comes from a policy can. */
  const cureOf = (key: string) => (has(key) ? 'new queue' : 'policy');

  if (!facts.durable) add('it is not durable, so a restart of the broker deletes it', 'new queue');
  if (facts.autoDelete) add('it is deleted with its last consumer (auto-delete)', 'new queue');
  const expires = smallest(one, 'expires');
  if (expires)
    add(`it is deleted after ${expires.value} ms without a consumer (${expires.by})`, cureOf('expires'));
  const ttl = smallest(one, 'message-ttl');
  if (ttl) add(`a message leaves it after ${ttl.value} ms (${ttl.by})`, cureOf('message-ttl'));
  for (const key of ['max-length', 'max-length-bytes']) {
    const limit = smallest(one, key);
    if (limit && overflowOf(one) === 'drop-head') {
      add(`above ${limit.value} it drops the oldest message (${limit.by}, overflow drop-head)`, 'policy');
    }
  }
  if (typeOf(one) === 'quorum') {
    const limit = smallest(one, 'delivery-limit');
    const isUnlimited = limit ? limit.value === -1 && brokerMajor >= 4 : brokerMajor < 4;
    if (limit && !isUnlimited && limit.value < safeDeliveryLimit) {
      const times = limit.value < 0 ? 'the first return' : `${limit.value} returns`;
      add(`a message leaves it after ${times} (${limit.by})`, cureOf('delivery-limit'));
    }
    if (!limit && !isUnlimited) add('a message leaves it after 20 returns (no delivery limit)', 'policy');
  }
  if (facts.queue !== deadLetterQueue) addDeadLetterDangers(one, add);
  return dangers;
}

function addDeadLetterDangers(one: QueueCase, add: (what: string, cure: Danger['cure']) => void): void {
  const { facts, deadLetterQueue } = one;
  const cureOf = (key: string) => (facts.arguments[`x-${key}`] === undefined ? 'policy' : 'new queue');
  const exchange = textOf(one, 'dead-letter-exchange');
  const route = textOf(one, 'dead-letter-routing-key');
  if (exchange === undefined) {
    add('expired and rejected messages are dropped (no dead-letter exchange)', 'policy');
  } else if (exchange !== '' || (route ?? facts.queue) !== deadLetterQueue) {
    const where = exchange === '' ? `queue ${route ?? facts.queue}` : `exchange ${exchange}`;
    add(`its dead letters go to ${where}, not to ${deadLetterQueue}`, cureOf('dead-letter-exchange'));
  } else if (typeOf(one) === 'quorum' && textOf(one, 'dead-letter-strategy') !== 'at-least-once') {
    add('a dead letter can be lost on its way (strategy at-most-once)', cureOf('dead-letter-strategy'));
  }
}

function typeOf({ facts }: QueueCase): string {
  return String(facts.arguments['x-queue-type'] ?? 'classic');
}

/** The smallest number of the argument and the policies applies. */
function smallest(one: QueueCase, key: string): { value: number; by: string } | undefined {
  const { facts, policy, operatorPolicy } = one;
  return [
    { value: facts.arguments[`x-${key}`], by: `argument x-${key}` },
    { value: policy?.definition[key], by: `${key} of policy ${policy?.name}` },
    { value: operatorPolicy?.definition[key], by: `${key} of operator policy ${operatorPolicy?.name}` },
  ]
    .flatMap(({ value, by }) => (typeof value === 'number' ? [{ value, by }] : []))
    .sort((a, b) => a.value - b.value)[0];
}

/**
 * For text values the argument takes precedence, except for `overflow`, where the policy does (measured on
 * 3.10 and 4.0).
 */
function textOf({ facts, policy, operatorPolicy }: QueueCase, key: string): string | undefined {
  const value = facts.arguments[`x-${key}`] ?? policy?.definition[key] ?? operatorPolicy?.definition[key];
  return value === undefined ? undefined : String(value);
}

function overflowOf({ facts, policy, operatorPolicy }: QueueCase): string {
  const ofPolicy = operatorPolicy?.definition.overflow ?? policy?.definition.overflow;
  return String(ofPolicy ?? facts.arguments['x-overflow'] ?? 'drop-head');
}

const dangerous = ['expires', 'message-ttl', 'max-length', 'max-length-bytes', 'delivery-limit', 'overflow'];

function listsDanger(policy: Policy): boolean {
  return dangerous.some((key) => policy.definition[key] !== undefined);
}

/** Only one policy applies to a queue: this one keeps the other definitions of the present one. */
function policyCommand(one: QueueCase): string {
  const { facts, deadLetterQueue, policy } = one;
  const quorum = typeOf(one) === 'quorum';
  const kept = Object.entries(policy?.definition ?? {}).filter(([key]) => !dangerous.includes(key));
  const definition = {
    ...Object.fromEntries(kept),
    overflow: 'reject-publish',
    ...(quorum && { 'delivery-limit': safeDeliveryLimit }),
    ...(facts.queue !== deadLetterQueue && {
      'dead-letter-exchange': '',
      'dead-letter-routing-key': deadLetterQueue,
      ...(quorum && { 'dead-letter-strategy': 'at-least-once' }),
    }),
  };
  const pattern = `^${facts.queue.replaceAll(/[^A-Za-z0-9_]/g, '\\$&')}$`;
  const parts = [`weir-${facts.queue}`, pattern, JSON.stringify(definition)].map(quote).join(' ');
  const priority = (policy?.priority ?? 0) + 1;
  return `rabbitmqctl${flagOf(one)} set_policy --priority ${priority} --apply-to queues ${parts}`;
}

function flagOf({ vhost }: QueueCase): string {
  return vhost === '/' ? '' : ` -p ${quote(vhost)}`;
}

function quote(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
