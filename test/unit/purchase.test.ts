import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Purchase,
  parseInt64,
  parseProductId,
  parseSource,
  parseSourceId,
  parseUserId,
  purchaseKey,
  type Source,
  type SourceId,
} from '../../src/core/instance/purchase.ts';
import { WeirError } from '../../src/errors.ts';

const int64Max = 2n ** 63n - 1n;

const numbers = [
  { what: 'user id', parse: parseUserId, code: 'USER_ID_INVALID' },
  { what: 'product id', parse: parseProductId, code: 'PRODUCT_ID_INVALID' },
];

const notNumbers: unknown[] = [
  '',
  ' ',
  ' 1',
  '1 ',
  '1\n',
  '+1',
  '-1',
  '0',
  '00',
  '01',
  '1e3',
  '1.0',
  '1,000',
  '0x10',
  '9223372036854775808',
  '99999999999999999999',
  '9'.repeat(1_000),
  'abc',
  '12a',
  '\u0000',
  '1\u0000',
  '１２３',
  '१२३',
  '²',
  'Infinity',
  'NaN',
  1,
  123,
  0,
  1.5,
  Number.NaN,
  true,
  null,
  undefined,
  [],
  ['1'],
  {},
];

describe.each(numbers)('a $what', ({ parse, code }) => {
  test.each(['1', '9', '10', '123', '9223372036854775807'])('%s is one', (text) => {
    expect(parse(text)).toBe(BigInt(text));
  });

  test.each(notNumbers)('a value that is no id is refused (case %#)', (value) => {
    expect(() => parse(value)).toThrow(expect.objectContaining({ code }));
  });

  test('an id is every integer from 1 to 2^63-1 in canonical decimal', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: int64Max }), (value) => parse(value.toString()) === value),
      { examples: [[int64Max], [int64Max - 1n], [2n ** 53n + 1n]] },
    );
  });

  test('an id is never an integer outside 1 to 2^63-1', () => {
    const outside = fc.oneof(
      fc.bigInt({ min: -(2n ** 80n), max: 0n }),
      fc.bigInt({ min: int64Max + 1n, max: 2n ** 80n }),
    );
    fc.assert(
      fc.property(outside, (value) => {
        expect(() => parse(value.toString())).toThrow(expect.objectContaining({ code }));
      }),
    );
  });

  test('an id has one spelling: what is accepted prints as it came', () => {
    const almostNumber = fc.stringMatching(/^[ +-]?[0-9０-９eE._ ]{0,21}$/);
    fc.assert(
      fc.property(fc.oneof(almostNumber, fc.string({ unit: 'binary' })), (text) => {
        const value = parseInt64(text);
        expect(value === undefined || value.toString() === text).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('an id rejects every JSON value with its own code and a short quotation', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.string({ minLength: 200, maxLength: 5_000 })), (value) => {
        fc.pre(parseInt64(value) === undefined);
        const error = catchError(() => parse(value));
        expect(error).toMatchObject({ code });
        expect(error?.message.length).toBeLessThan(160);
      }),
    );
  });
});

describe('a source', () => {
  test.each(['S', 'SECKILL', 'ORDER', 'ACTIVITY', 'A1', 'A_', 'GIFT_2026', 'A'.repeat(20)])(
    '%s is one',
    (text) => {
      expect(parseSource(text)).toBe(text);
    },
  );

  test.each([
    '',
    'seckill',
    'Seckill',
    '_A',
    '1A',
    'A-B',
    'A B',
    ' A',
    'A\n',
    'A\u0000',
    'Å',
    '秒杀',
    'A'.repeat(21),
    1,
    null,
    undefined,
    ['A'],
    {},
  ])('%j is none', (value) => {
    expect(() => parseSource(value)).toThrow(expect.objectContaining({ code: 'SOURCE_INVALID' }));
  });

  test('a source is accepted exactly when the contract allows it, and is unchanged', () => {
    const almostSource = fc.stringMatching(/^[A-Z0-9_a-z -]{0,22}$/);
    fc.assert(
      fc.property(fc.oneof(almostSource, fc.string({ unit: 'binary', maxLength: 22 })), (text) => {
        const isSource = [...text].every((c) => /[A-Z0-9_]/.test(c)) && /^[A-Z]/.test(text);
        if (isSource && text.length <= 20) expect(parseSource(text)).toBe(text);
        else expect(() => parseSource(text)).toThrow(WeirError);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a source id', () => {
  test.each([
    ['a digit', '1'],
    ['an order', 'ORD7315920450193817601'],
    ['a stream entry', '1700000000000-0'],
    ['spaces inside', 'a b'],
    ['a space around', ' a '],
    ['signs', `~!@#$%^&*()_+{}|:"<>?[];',./\\`],
    ['Chinese', '订单一二三'],
    ['an emoji', '🎁'],
    ['64 code points', 'a'.repeat(64)],
    ['64 emoji, which are 128 UTF-16 units', '🎁'.repeat(64)],
    ['a combining accent', 'e\u0301'],
    ['a no-break space next to a letter', 'a\u00a0b'],
  ])('a source can be %s', (_, text) => {
    expect(parseSourceId(text)).toBe(text);
  });

  test.each([
    ['nothing', ''],
    ['a space', ' '],
    ['only spaces', '   '],
    ['only no-break and ideographic spaces', '\u00a0\u3000'],
    ['65 code points', 'a'.repeat(65)],
    ['65 emoji', '🎁'.repeat(65)],
    ['NUL', 'a\u0000'],
    ['a line end', 'a\n'],
    ['a tab', 'a\tb'],
    ['DEL', 'a\u007f'],
    ['a C1 control', 'a\u0085'],
    ['a line separator', 'a\u2028b'],
    ['a paragraph separator', 'a\u2029b'],
    ['a zero-width space', 'a\u200bb'],
    ['a right-to-left override', 'a\u202eb'],
    ['a byte order mark', '\ufeffa'],
    ['a soft hyphen', 'a\u00adb'],
    ['a private character', 'a\ue000'],
    ['a noncharacter', 'a\uffff'],
    ['a lone high surrogate', 'a\ud83c'],
    ['a lone low surrogate', '\udf81a'],
    ['two surrogates in the wrong order', '\udf81\ud83c'],
    ['a number', 123],
    ['null', null],
    ['missing', undefined],
    ['a list', ['a']],
    ['an object', { toString: () => 'a' }],
  ])('a source cannot be %s', (_, value) => {
    expect(() => parseSourceId(value)).toThrow(expect.objectContaining({ code: 'SOURCE_ID_INVALID' }));
  });

  test('a source id is unchanged and printable within 64 code points, or is rejected', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 70 }),
          fc.string({ unit: 'grapheme', maxLength: 70 }),
          // Any UTF-16, lone surrogates included.
          fc.uint16Array({ minLength: 1, maxLength: 8 }).map((units) => String.fromCharCode(...units)),
        ),
        (text) => {
          const error = catchError(() => parseSourceId(text));
          if (error === undefined) {
            expect(parseSourceId(text)).toBe(text);
            expect([...text].length).toBeLessThanOrEqual(64);
            expect(text).not.toMatch(/\p{Cc}/u);
            expect(Buffer.from(text).toString()).toBe(text);
            expect(text).toMatch(/\S/);
          } else expect(error).toMatchObject({ code: 'SOURCE_ID_INVALID' });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('a source id of visible ASCII is never refused', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{1,64}$/), (text) => {
        expect(parseSourceId(text)).toBe(text);
      }),
    );
  });
});

test.each([
  ['a bigint', 5n],
  ['a symbol', Symbol('x')],
  ['a function', () => 1],
  ['an object without prototype', Object.create(null)],
])('%s is refused like any other value that is not text', (_, value) => {
  expect(() => parseUserId(value)).toThrow(expect.objectContaining({ code: 'USER_ID_INVALID' }));
  expect(() => parseProductId(value)).toThrow(expect.objectContaining({ code: 'PRODUCT_ID_INVALID' }));
  expect(() => parseSource(value)).toThrow(expect.objectContaining({ code: 'SOURCE_INVALID' }));
  expect(() => parseSourceId(value)).toThrow(expect.objectContaining({ code: 'SOURCE_ID_INVALID' }));
});

test('two purchases have one key exactly when source, scope and source id are equal', () => {
  type Identity = Pick<Purchase, 'source' | 'scope' | 'sourceId'>;
  const identity: fc.Arbitrary<Identity> = fc.record({
    source: fc.stringMatching(/^[AB]{1,3}$/).map((text) => text as Source),
    scope: fc.stringMatching(/^(stream:seckill:[12]{1,2})?$/),
    sourceId: fc.stringMatching(/^[AB1 :-]{1,3}$/).map((text) => text as SourceId),
  });
  fc.assert(
    fc.property(identity, identity, (a, b) => {
      const same = a.source === b.source && a.scope === b.scope && a.sourceId === b.sourceId;
      expect(purchaseKey(a) === purchaseKey(b)).toBe(same);
    }),
    { numRuns: 5_000 },
  );
});

function catchError(run: () => unknown): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
