import { expect, test } from 'vitest';
import { diagnoseDurability } from '../../src/adapters/redis/diagnose-durability.ts';

/** The table of power cuts in docs/stores.md. */
test.each([
  ['yes', 'always', 'memory', 'ok', /^appendfsync = always: a power cut loses no entry$/],
  ['yes', 'everysec', 'memory', 'ok', /a power cut loses about the last second of them$/],
  [
    'yes',
    'no',
    'memory',
    'warning',
    /^appendfsync = no: a power cut loses what the operating system had not written/,
  ],
  ['no', 'always', 'memory', 'warning', /^appendonly = no: a restart loses every winner/],
] as const)(
  'doctor says what a power cut loses with appendonly %s and appendfsync %s',
  (appendonly, appendfsync, acknowledge, level, what) => {
    const settings = new Map(Object.entries({ appendonly, appendfsync, save: '' }));
    const findings = diagnoseDurability(new Map(), settings, acknowledge);
    expect(findings).toContainEqual(expect.objectContaining({ level, what: expect.stringMatching(what) }));
    expect(findings.some((finding) => finding.what.includes('loses no entry'))).toBe(
      appendonly === 'yes' && appendfsync === 'always',
    );
  },
);
