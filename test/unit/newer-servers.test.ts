import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/services/newer.mjs', import.meta.url));

/** On a system without apt and with an empty cache. */
function ensureNewer(allowMissing: string): string {
  const call = `import(${JSON.stringify(script)}).then((m) => m.ensureNewer())
    .then((skipped) => console.log(skipped.map(({ name }) => name).join()), (error) => console.log(error.message))`;
  const { stdout } = spawnSync(process.execPath, ['--eval', call], {
    env: {
      PATH: '/nowhere',
      XDG_CACHE_HOME: '/dev/null',
      WEIR_TEST_ALLOW_MISSING: allowMissing,
    },
    encoding: 'utf8',
  });
  return stdout.trim();
}

describe('RabbitMQ 4 and Valkey 8', () => {
  test('a run fails with one sentence where they cannot be had', () => {
    const sentence = ensureNewer('');
    expect(sentence).toMatch(/^cannot get RabbitMQ 4 and Valkey 8 from Debian trixie: .+/);
    expect(sentence).toContain('set WEIR_TEST_ALLOW_MISSING=rabbitmq4,valkey to skip their tests');
    expect(ensureNewer('valkey')).toMatch(/^cannot get RabbitMQ 4 from/);
  });

  test('a run may lack what WEIR_TEST_ALLOW_MISSING names', () => {
    expect(ensureNewer('rabbitmq4, valkey')).toBe('rabbitmq4,valkey');
  });
});
