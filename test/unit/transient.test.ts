import { describe, expect, test } from 'vitest';
import { isTransientDatabaseError, isUnavailable } from '../../src/adapters/postgres/transient.ts';
import { WeirError } from '../../src/errors.ts';
import { markStoreFailure } from '../../src/lib/store-failure.ts';

function withCode(code: string, message = 'refused'): Error {
  return Object.assign(new Error(message), { code });
}

describe('the database error classification', () => {
  test.each([
    ['22021', 'a character that the encoding does not have'],
    ['22003', 'a number out of range'],
    ['23505', 'a unique violation'],
    ['23514', 'a check, or a trigger of the schema'],
    ['21000', 'the same row twice in one statement'],
    ['54000', 'a value too large for an index'],
    ['P0001', 'a foreign trigger'],
  ])('%s (%s) is a fault of the row', (code) => {
    expect(isTransientDatabaseError(withCode(code))).toBe(false);
  });

  test.each([
    ['28000', 'a refused login'],
    ['28P01', 'a refused password'],
    ['26000', 'a prepared statement that a pooler lost'],
    ['42P05', 'a prepared statement that exists already'],
    ['42501', 'a missing grant'],
    ['42P01', 'a missing table'],
    ['42703', 'a missing column'],
    ['0A000', 'a cached plan after a migration'],
    ['XX000', 'an internal error, or a pooler'],
    ['XX001', 'a corrupt page'],
    ['25006', 'a standby'],
    ['57P01', 'a shutdown'],
    ['40P01', 'a deadlock'],
    ['53300', 'too many connections'],
    ['3D000', 'a missing database'],
    ['F0000', 'a broken configuration file'],
    ['HV000', 'a foreign table'],
  ])('%s (%s) is no fault of the row', (code) => {
    expect(isTransientDatabaseError(withCode(code))).toBe(true);
  });

  test.each([['EPIPE'], ['ECONNRESET'], ['ENOTFOUND'], ['EAI_AGAIN']])(
    '%s of the operating system is no fault of the row',
    (code) => {
      expect(isTransientDatabaseError(withCode(code))).toBe(true);
    },
  );

  test('a certificate error that the store raised is no fault of the row', () => {
    for (const code of ['SELF_SIGNED_CERT_IN_CHAIN', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID']) {
      expect(isTransientDatabaseError(markStoreFailure(withCode(code)))).toBe(true);
    }
    expect(isTransientDatabaseError(markStoreFailure(new Error('The server does not support SSL')))).toBe(
      true,
    );
  });

  test('what the program itself raises is never taken for the store', () => {
    expect(isTransientDatabaseError(new TypeError('x is not a function'))).toBe(false);
    expect(isTransientDatabaseError(withCode('FST_ERR_VALIDATION'))).toBe(false);
    expect(isTransientDatabaseError(withCode('ERR_INVALID_ARG_TYPE'))).toBe(false);
    expect(isTransientDatabaseError(new WeirError('PRODUCT_NOT_FOUND', 'no product'))).toBe(false);
    expect(isTransientDatabaseError('text')).toBe(false);
  });

  test('a start waits for a database that is down, and ends at a bad configuration', () => {
    expect(['57P03', '53300', '25006', 'ECONNREFUSED'].map((code) => isUnavailable(withCode(code)))).toEqual(
      Array(4).fill(true),
    );
    expect(
      ['28P01', '42501', '0A000', 'CERT_HAS_EXPIRED'].map((code) => isUnavailable(withCode(code))),
    ).toEqual(Array(4).fill(false));
  });
});
