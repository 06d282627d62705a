import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { readVariables, toVariable } from '../../src/config/config-variables.ts';
import { allSettings } from '../../src/config/settings.ts';
import { catchConfigError, createFile, keys, operatorKeys, safe } from './config-samples.ts';

describe('a variable that would have no effect', () => {
  const read = (env: NodeJS.ProcessEnv) => catchConfigError(() => readConfig(undefined, env));

  test.each([
    ['WEIR_SERVER_HTTP_WEBHOKSECRETS', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS'],
    ['WEIR_SERVER_HTTP_WEBHOOK_SECRETS', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS'],
    ['WEIR_WEBHOOK_SECRETS', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS'],
    ['WIER_SERVER_HTTP_WEBHOOKSECRETS', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS'],
    ['WEIR_DATABASE_SOURCE', 'WEIR_DATA_DATABASE_SOURCE'],
    ['weir_log_level', 'WEIR_LOG_LEVEL'],
    ['Weir_Log_Level', 'WEIR_LOG_LEVEL'],
    ['WEIR_LOG__LEVEL', 'WEIR_LOG_LEVEL'],
    ['WEIR_DATA_DATABASE_MAX_CONNECTIONS', 'WEIR_DATA_DATABASE_MAXCONNECTIONS'],
  ])('a misspelt variable is refused with a proposal (case %#)', (written, meant) => {
    const message = read({ [written]: 'hunter2' });
    expect(message).toContain(`${written} = (not shown)`);
    expect(message).toContain(`did you mean ${meant}?`);
    expect(message).not.toContain('hunter2');
  });

  test.each(['WEIR_SERVER_HTTP_OPERATORKEYS_0', 'WEIR_SERVER_HTTP_OPERATORKEYS_12'])(
    'the index %s is refused; a list has commas',
    (written) => {
      expect(read({ [written]: operatorKeys[0] })).toContain(
        'WEIR_SERVER_HTTP_OPERATORKEYS takes all items, separated by commas',
      );
    },
  );

  test.each(['WEIR_COFFEE', 'WEIR_', 'WEIR_DATA', 'WEIR_VERSION'])(
    'the unknown variable %s leads to the list of settings',
    (written) => {
      expect(read({ [written]: 'x' })).toMatch(/`weir doctor --settings` lists them|did you mean/);
    },
  );

  test.each([...keys.map(toVariable), 'WEIR_KEY', 'WEIR_URL'])('%s must not be empty', (variable) => {
    for (const blank of ['', ' ', ' , ']) {
      const message = read({ ...safe, [variable]: blank });
      expect(message).toContain(`${variable} = (empty)`);
      expect(message).toContain('unset the variable');
    }
  });

  test('a variable without effect is reported with the mistakes of the file', async () => {
    const file = await createFile('log:\n  level: loud\n');
    const message = catchConfigError(() => readConfig(file, { WEIR_LOG_LEVL: 'info' }));
    expect(message).toContain('2 mistakes');
  });

  test('a mistake of one letter in any variable is found, and its variable named', () => {
    const typo = fc.record({
      key: fc.constantFrom(...keys),
      at: fc.nat(),
      letter: fc.constantFrom('', 'X', '_'),
    });
    fc.assert(
      fc.property(typo, ({ key, at, letter }) => {
        const variable = toVariable(key);
        const from = 5 + (at % (variable.length - 5));
        const written = variable.slice(0, from) + letter + variable.slice(from + 1);
        fc.pre(!keys.map(toVariable).includes(written));
        expect(read({ [written]: 'x' })).toMatch(/did you mean WEIR_[A-Z_]+\?|takes all items/);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a variable that is no setting is left alone', () => {
  test.each([
    ...[
      'WEIR_KEY',
      'WEIR_URL',
      'WEIR_FAILPOINTS',
      'WEIR_SEEDED_BUG',
      'WEIR_TEST_POSTGRES',
      'WEIR_BENCH_REDIS',
    ],
    // What Kubernetes sets when services are named weir and weir-metrics.
    ...[
      'WEIR_SERVICE_HOST',
      'WEIR_SERVICE_PORT',
      'WEIR_SERVICE_PORT_HTTP',
      'WEIR_PORT',
      'WEIR_PORT_8000_TCP',
    ],
    ...['WEIR_PORT_8000_TCP_ADDR', 'WEIR_PORT_8000_TCP_PORT', 'WEIR_METRICS_SERVICE_HOST'],
    ...['WEIR_METRICS_SERVICE_PORT_HTTP', 'WEIR_METRICS_PORT', 'WEIR_METRICS_PORT_9090_TCP_PROTO'],
    // Variables of other programs.
    ...['MYAPP_LOG_LEVEL', 'WEB_LOG_LEVEL', 'WEIRDO_COLOR', 'WIRE_MOCK', 'LOG_LEVEL', 'PATH'],
  ])('the variable %s, which is no setting, is ignored', (name) => {
    expect(readConfig(undefined, { [name]: 'x' }).config.log.level).toBe('info');
  });

  test('a variable in any case matches where the environment ignores case', () => {
    const env = { Weir_Log_Level: 'debug', weir_key: 'x', Weir_Port: '1' };
    const { values, mistakes } = readVariables(env, allSettings, true);
    expect([...values]).toEqual([['log.level', 'debug']]);
    expect(mistakes).toEqual([]);
  });
});
