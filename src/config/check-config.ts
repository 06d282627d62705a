import { isLocalOnly, isLoopback, splitAddr } from '../lib/address.ts';
import type { Mistake } from './config-file.ts';
import type { Config } from './settings.ts';

/**
 * Finds settings that are valid alone and invalid together: the mistakes of the first rule that is broken.
 */
export function findContradictions(config: Config): Mistake[] {
  const rules = [
    findUnsafeBinding,
    findTooManyLanes,
    findHalfCertificates,
    findSharedDeadLetters,
    findWrongCreatedQueues,
  ];
  for (const rule of rules) {
    const mistakes = rule(config);
    if (mistakes.length > 0) return mistakes;
  }
  return [];
}

/** Otherwise every caller that reaches the port could create instances. */
function findUnsafeBinding({ server: { http, roles } }: Config): Mistake[] {
  if (isLocalOnly(http) || !roles.includes('http')) return [];
  const expected = `at least one, because ${describeExposure(http)}`;
  return (['webhookSecrets', 'operatorKeys'] as const)
    .filter((name) => http[name].length === 0)
    .map((name) => ({ key: `server.http.${name}`, value: '(empty)', expected }));
}

function describeExposure({ addr, hosts }: Config['server']['http']): string {
  const sentence = `${addr} can be reached from other machines`;
  if (!isLoopback(splitAddr(addr).host)) return sentence;
  const name = hosts.length > 0 ? 'hosts' : 'trustedProxies';
  return `${sentence} through a proxy, for which server.http.${name} is set`;
}

/**
 * A lane holds a connection while it publishes: with as many lanes as connections none would be left for
 * purchases.
 */
function findTooManyLanes({ server, outbox, data: { database } }: Config): Mistake[] {
  const isWrong = database.source !== '' && server.roles.includes('relay');
  if (!isWrong || outbox.lanes < database.maxConnections) return [];
  const expected = `fewer than data.database.maxConnections, which is ${database.maxConnections}: each lane holds a connection`;
  return [{ key: 'outbox.lanes', value: String(outbox.lanes), expected }];
}

function findHalfCertificates({ data }: Config): Mistake[] {
  const stores = { database: data.database.source, redis: data.redis.addr, rabbitmq: data.rabbitmq.url };
  const mistakes: Mistake[] = [];
  for (const [store, url] of Object.entries(stores)) {
    const { cert, key } = data[store as keyof typeof stores].tls;
    if (url === '' || (cert === '') === (key === '')) continue;
    const expected = 'a file, because the certificate and its key go together';
    const missing = cert === '' ? 'cert' : 'key';
    mistakes.push({ key: `data.${store}.tls.${missing}`, value: '(empty)', expected });
  }
  return mistakes;
}

/** Weir parks everything on the dead-letter queue: results and events must not arrive there. */
function findSharedDeadLetters({ data: { rabbitmq } }: Config): Mistake[] {
  const { deadLetterQueue, queue, resultQueue, releaseQueue, refundQueue } = rabbitmq;
  if (![queue, resultQueue, releaseQueue, refundQueue].includes(deadLetterQueue)) return [];
  const expected = 'a queue of its own, because Weir parks what is on it';
  return [{ key: 'data.rabbitmq.deadLetterQueue', value: deadLetterQueue, expected }];
}

const longestName = 255;

/** The numbered queues of events must have names, and be no other queue of Weir's. */
function findWrongCreatedQueues({ data: { rabbitmq } }: Config): Mistake[] {
  const { queue, queues, resultQueue, releaseQueue, refundQueue, deadLetterQueue } = rabbitmq;
  if (queues === 1) return [];
  if (`${queue}.${queues - 1}`.length > longestName) {
    const expected = `at most ${longestName - 3} characters, because data.rabbitmq.queues adds a number`;
    return [{ key: 'data.rabbitmq.queue', value: queue, expected }];
  }
  return Object.entries({ resultQueue, releaseQueue, refundQueue, deadLetterQueue })
    .filter(([, name]) => name.startsWith(`${queue}.`) && /^\d+$/.test(name.slice(queue.length + 1)))
    .map(([setting, value]) => ({
      key: `data.rabbitmq.${setting}`,
      value,
      expected: `another name than ${queue} with a number, which data.rabbitmq.queues gives to queues of events`,
    }));
}
