import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createOperatorKey,
  createSessionId,
  digestOf,
  hasKeyForm,
  hasSessionForm,
} from '../../src/ops/access/operator-key.ts';
import { listScopes, reaches, scopes } from '../../src/ops/access/scope.ts';

const anyScope = fc.constantFrom(...scopes);

describe('a key', () => {
  test('a key states its scope, matches one regular expression, and is unique', () => {
    const made = Array.from({ length: 200 }, (_, i) => createOperatorKey(scopes[i % 3] ?? 'read'));
    for (const [i, key] of made.entries()) {
      expect(key).toMatch(new RegExp(`^weir_${scopes[i % 3]}_[0-9A-Za-z]{49}$`));
      expect(hasKeyForm(key)).toBe(true);
    }
    expect(new Set(made).size).toBe(made.length);
  });

  test('a key uses every one of the 62 characters at its first random places', () => {
    const made = Array.from({ length: 3_000 }, () => createOperatorKey('act').slice('weir_act_'.length));
    for (const at of [1, 20, 42]) expect(new Set(made.map((key) => key[at])).size).toBe(62);
  });

  test('a key with one character changed, lost or added is invalid', () => {
    fc.assert(
      fc.property(anyScope, fc.nat(60), fc.constantFrom(...'0Az_ '), (scope, at, other) => {
        const key = createOperatorKey(scope);
        fc.pre(at < key.length && key[at] !== other);
        expect(hasKeyForm(key.slice(0, at) + other + key.slice(at + 1))).toBe(false);
        expect(hasKeyForm(key.slice(0, at) + key.slice(at + 1))).toBe(false);
        expect(hasKeyForm(key.slice(0, at) + other + key.slice(at))).toBe(false);
      }),
    );
  });

  test('a key of another scope is another key, since the scope is in the checksum', () => {
    expect(hasKeyForm(createOperatorKey('read').replace('_read_', '_act_'))).toBe(false);
  });

  test('a key may be asked of any text', () => {
    fc.assert(fc.property(fc.string(), (text) => hasKeyForm(text) === false));
  });

  test('a key is stored as its SHA-256', () => {
    expect(digestOf('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});

test('a session id has 256 bits and a form of its own', () => {
  const id = createSessionId();
  expect(Buffer.from(id, 'base64url')).toHaveLength(32);
  expect(hasSessionForm(id)).toBe(true);
  for (const text of ['', `${id}A`, id.slice(1), id.replace(/^./, '='), createOperatorKey('act')])
    expect(hasSessionForm(text), text).toBe(false);
});

test('a scope reaches itself and what is less', () => {
  const table = scopes.map((scope) => scopes.map((needed) => reaches(scope, needed)));
  expect(table).toEqual([
    [true, false, false],
    [true, true, false],
    [true, true, true],
  ]);
  expect(listScopes('act')).toEqual(['read', 'act']);
});
