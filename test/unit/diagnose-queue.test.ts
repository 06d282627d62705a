import { describe, expect, test } from 'vitest';
import { diagnoseQueue, type QueueCase } from '../../src/adapters/rabbitmq/diagnose-queue.ts';
import { queueArguments } from '../../src/adapters/rabbitmq/queue.ts';

const dead = 'created.dead-letter';
const quorum = queueArguments('created', { queueType: 'quorum', deadLetterQueue: dead });
const classic = queueArguments('created', { queueType: 'classic', deadLetterQueue: dead });

function judge(args: Record<string, unknown>, more: Partial<QueueCase> & { durable?: boolean } = {}) {
  const { durable = true, ...rest } = more;
  const facts = { queue: 'created', durable, autoDelete: false, arguments: args };
  return diagnoseQueue({ facts, deadLetterQueue: dead, vhost: '/', brokerMajor: 4, ...rest });
}

const policy = (definition: Record<string, unknown>) => ({
  policy: { name: 'low', priority: 4, definition },
});

describe('doctor about a queue', () => {
  test.each([
    ['quorum', quorum],
    ['classic', classic],
  ])('doctor finds nothing on a %s queue that Weir declared', (_, args) => {
    for (const brokerMajor of [3, 4]) expect(judge(args, { brokerMajor }).level).toBe('ok');
  });

  test.each([
    ['x-message-ttl', 100, 'leaves it after 100 ms (argument x-message-ttl)'],
    ['x-expires', 100, 'deleted after 100 ms'],
    ['x-delivery-limit', 3, 'leaves it after 3 returns'],
    ['x-dead-letter-strategy', 'at-most-once', 'at-most-once'],
    ['x-dead-letter-routing-key', 'other', 'dead letters go to queue other'],
    ['x-dead-letter-exchange', undefined, 'no dead-letter exchange'],
  ])('doctor names the argument %s', (name, value, words) => {
    const { level, what } = judge({ ...quorum, [name]: value });
    expect(level).toBe('warning');
    expect(what).toContain(words);
  });

  test('doctor names a length that drops the oldest, and not one that refuses the newest', () => {
    expect(judge({ ...quorum, 'x-max-length': 9 }).level).toBe('ok');
    for (const overflow of ['drop-head', undefined]) {
      const { what } = judge({ ...quorum, 'x-max-length': 9, 'x-overflow': overflow });
      expect(what).toContain('above 9 it drops the oldest message');
    }
  });

  test('doctor names the 20 returns of RabbitMQ 4 and gives the policy that cures them', () => {
    const earlier = { 'x-queue-type': 'quorum' };
    const { what, advice } = judge(earlier);
    expect(what).toContain('after 20 returns (no delivery limit)');
    expect(advice).toBe(
      "run rabbitmqctl set_policy --priority 1 --apply-to queues weir-created '^created$' " +
        `'{"overflow":"reject-publish","delivery-limit":1000000000,"dead-letter-exchange":"",` +
        `"dead-letter-routing-key":"${dead}","dead-letter-strategy":"at-least-once"}'`,
    );
    expect(judge(earlier, { brokerMajor: 3 }).what).not.toContain('returns');
    expect(judge({ ...quorum, 'x-delivery-limit': -1 }, { brokerMajor: 3 }).what).toContain(
      'the first return',
    );
    expect(judge({ ...quorum, 'x-delivery-limit': -1 }).level).toBe('ok');
  });

  test.each(['message-ttl', 'expires', 'delivery-limit', 'max-length', 'max-length-bytes'])(
    'doctor names a policy with %s and replaces it',
    (key) => {
      const { what, advice } = judge(quorum, policy({ [key]: 7, overflow: 'drop-head', 'ha-mode': 'all' }));
      expect(what).toContain('policy low');
      expect(advice).toContain('--priority 5');
      expect(advice).toContain('"ha-mode":"all"');
      expect(advice).not.toContain(`"${key}":7`);
    },
  );

  test('doctor names an operator policy and clears it', () => {
    const operatorPolicy = { name: 'op limit', priority: 0, definition: { 'delivery-limit': 3 } };
    const { what, advice } = judge(quorum, { operatorPolicy, vhost: 'shop' });
    expect(what).toContain('operator policy op limit');
    expect(advice).toContain("rabbitmqctl -p shop clear_operator_policy 'op limit'");
  });

  test('doctor says of what no policy cures that the queue must be made again', () => {
    for (const one of [judge(quorum, { durable: false }), judge({ ...quorum, 'x-message-ttl': 5 })]) {
      expect(one.advice).toContain('rabbitmqctl delete_queue created --if-empty');
    }
  });

  test('doctor refuses a stream', () => {
    expect(judge({ 'x-queue-type': 'stream' })).toMatchObject({ level: 'problem' });
  });
});
