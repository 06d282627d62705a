import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { StandardWebhook } from '../../src/lib/standard-webhook.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const webhook = new StandardWebhook(secret);
const nowMs = 1_800_000_000_000;
const timestamp = '1800000000';
const body = Buffer.from('{"orderId":"ORD1"}');
const signature = webhook.sign('msg_1', timestamp, body);
const explain = (part: { id?: string; timestamp?: string; signature?: string }, bytes = body) =>
  webhook.explainRejection({ id: 'msg_1', timestamp, signature, ...part }, bytes, nowMs);

describe('a webhook signature', () => {
  test('a signature is the one of the specification’s example', () => {
    expect(webhook.sign('msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  test('a signature is the one of the reference library, whatever is signed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 18, maxLength: 80 }),
        fc.string({ minLength: 1 }),
        fc.integer({ min: 0, max: 4_000_000_000 }),
        fc.string({ unit: 'grapheme' }),
        (key, id, seconds, text) => {
          const base64 = Buffer.from(key).toString('base64');
          const expected = new Webhook(base64).sign(id, new Date(seconds * 1000), text);
          expect(new StandardWebhook(base64).sign(id, `${seconds}`, text)).toBe(expected);
          expect(new StandardWebhook(`whsec_${base64}`).sign(id, `${seconds}`, Buffer.from(text))).toBe(
            expected,
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each([
    ['alone', signature],
    ['after one with another secret', `v1,${Buffer.alloc(32).toString('base64')} ${signature}`],
    ['after one of another version', `v1a,${signature.slice(3)} ${signature}`],
    ['without its padding', signature.replace(/=+$/, '')],
  ])('a right signature passes %s', (_, value) => {
    expect(explain({ signature: value })).toBeUndefined();
  });

  test.each([-300, 300])('a signature passes %i s from the present', (seconds) => {
    const at = `${1_800_000_000 + seconds}`;
    expect(explain({ timestamp: at, signature: webhook.sign('msg_1', at, body) })).toBeUndefined();
  });

  test.each([
    ['of another version', { signature: signature.replace('v1,', 'v1a,') }],
    ['that is cut', { signature: signature.slice(0, -8) }],
    ['that is empty', { signature: 'v1,' }],
    ['without a version', { signature: signature.slice(3) }],
    ['for another id', { id: 'msg_2' }],
    ['that is missing', { signature: '' }],
    ['for a time with something behind it', { timestamp: `${timestamp}abc` }],
    ['for a time that is not the signed one', { timestamp: '1800000001' }],
  ])('a signature %s is rejected', (_, part) => {
    expect(explain(part)).toEqual(expect.any(String));
  });

  test.each([-301, 301])('a signature %i s from the present is rejected', (seconds) => {
    const at = `${1_800_000_000 + seconds}`;
    expect(explain({ timestamp: at, signature: webhook.sign('msg_1', at, body) })).toMatch(/within 300 s/);
  });

  test('a signature covers every byte of the body, also invalid UTF-8', () => {
    const [one, other] = [Buffer.from([0xff]), Buffer.from([0xfe])];
    expect(explain({ signature: webhook.sign('msg_1', timestamp, one) }, one)).toBeUndefined();
    expect(explain({ signature: webhook.sign('msg_1', timestamp, one) }, other)).toEqual(expect.any(String));
  });
});
