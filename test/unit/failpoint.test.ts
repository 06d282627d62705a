import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { builtModule } from '../support/seeded-bug.ts';

const failpointModule = pathToFileURL(builtModule('lib/failpoint')).href;

/** A process that reaches one failpoint ten times and prints a line before and after each. */
function hitTenTimes(place: string, armed: string | undefined, hit = 'failpoint') {
  const script = `
    import * as failpoints from ${JSON.stringify(failpointModule)};
    import { writeSync } from 'node:fs';
    process.on('exit', () => writeSync(1, 'cleanup '));
    for (let i = 1; i <= 10; i++) {
      writeSync(1, i + '? ');
      failpoints.${hit}('${place}');
      writeSync(1, i + '! ');
      await new Promise((resolve) => setImmediate(resolve));
    }
  `;
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH };
  if (armed !== undefined) env.WEIR_FAILPOINTS = armed;
  const { signal, status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { env, encoding: 'utf8' },
  );
  return { signal, status, told: stdout.trim(), stderr };
}

function upTo(hits: number): string {
  return Array.from({ length: hits }, (_, i) => `${i + 1}? ${i + 1}!`).join(' ');
}

describe('an armed failpoint', () => {
  test('a failpoint kills the process at its first hit, without cleanup', () => {
    expect(hitTenTimes('after-commit', 'after-commit')).toMatchObject({ signal: 'SIGKILL', told: '1?' });
  });

  test('a failpoint kills the process at exactly the hit it names', () => {
    expect(hitTenTimes('after-commit', 'after-commit:4')).toMatchObject({
      signal: 'SIGKILL',
      told: `${upTo(3)} 4?`,
    });
  });

  test('an armed failpoint is one of several', () => {
    expect(hitTenTimes('after-park', 'after-commit:2,after-park:2,after-publish')).toMatchObject({
      signal: 'SIGKILL',
      told: `${upTo(1)} 2?`,
    });
  });

  test('a failpoint in flight kills the process only after this turn of the event loop', () => {
    expect(hitTenTimes('after-insert', 'after-insert:2', 'failpointInFlight')).toMatchObject({
      signal: 'SIGKILL',
      told: upTo(2),
    });
  });
});

describe('a failpoint does nothing', () => {
  const untouched = { signal: null, status: 0, told: `${upTo(10)} cleanup`, stderr: '' };

  test.each([
    ['when none is armed', undefined],
    ['when the variable is empty', ''],
    ['when another one is armed', 'after-publish,after-park:1'],
    ['before the hit that is named', 'after-commit:11'],
  ])('a failpoint does nothing %s', (_, armed) => {
    expect(hitTenTimes('after-commit', armed)).toEqual(untouched);
  });
});
