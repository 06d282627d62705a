import { expect, test } from 'vitest';
import { NodeOrder } from '../../src/adapters/rabbitmq/nodes.ts';

const url = 'amqp://u:p@h1,h2:5673,h3/v';

/** A clock that the test moves. */
function createOrder(random: number) {
  const clock = { nowMs: 0 };
  return {
    clock,
    order: new NodeOrder(
      url,
      () => random,
      () => clock.nowMs,
    ),
  };
}

test('connections begin at different nodes and go round', () => {
  const begun = [0, 0.4, 0.99].map((random) => createOrder(random).order.current.name);
  expect(begun).toEqual(['h1', 'h2:5673', 'h3']);
  const { order } = createOrder(0.99);
  order.moveOn();
  expect(order.current).toEqual({ name: 'h1', url: 'amqp://u:p@h1/v' });
});

test('the explanation names every node that failed since one worked', () => {
  const { clock, order } = createOrder(0);
  order.note('refused');
  order.moveOn();
  order.note('silent');
  expect(order.explain()).toBe('h1: refused; h2:5673: silent');
  order.moveOn();
  clock.nowMs += 1;
  order.clear();
  expect(order.explain()).toBe('');
  order.note('lost');
  expect(order.explain()).toBe('h3: lost');
});

test('a blocked node is left only for one that had no trouble within a minute', () => {
  const { clock, order } = createOrder(0);
  for (let tried = 0; tried < 2; tried++) {
    order.note('blocked');
    expect(order.hasBetter()).toBe(true);
    order.moveOn();
  }
  order.note('blocked');
  expect(order.hasBetter()).toBe(false);
  clock.nowMs += 60_001;
  expect(order.hasBetter()).toBe(true);
});

test('the only node of a broker is never left', () => {
  const order = new NodeOrder('amqp://h1');
  order.note('blocked');
  expect(order.hasBetter()).toBe(false);
  order.moveOn();
  expect(order.current.name).toBe('h1');
});
