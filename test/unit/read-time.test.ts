import { expect, test } from 'vitest';
import { readTime } from '../../src/adapters/http/queries.ts';
import { parsePayment } from '../../src/core/orders/payment.ts';

test.each([
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+01:00',
  '9999-12-31T23:59:59-01:00',
  '2026-02-30T25:00:00Z',
])('the time %s, which no store can hold, is refused', (text) => {
  const invalid = expect.objectContaining({ code: 'REQUEST_INVALID' });
  expect(() => readTime('from', text)).toThrow(invalid);
  expect(() => parsePayment({ paidAt: text })).toThrow(invalid);
});

test.each(['0001-01-01T00:00:00Z', '2038-01-19T03:14:08Z', '9999-12-31T23:59:59Z'])(
  'the time %s is taken as it is',
  (text) => {
    expect(readTime('from', text)).toEqual(new Date(text));
    expect(parsePayment({ paidAt: text })).toEqual({ paidAt: new Date(text) });
  },
);
