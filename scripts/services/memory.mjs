import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Ignored by git. */
export const folder = fileURLToPath(new URL('../../.test-services', import.meta.url));

/** Where earlier runs started something on an unusual port. */
export function readAddresses() {
  try {
    return JSON.parse(readFileSync(join(folder, 'addresses.json'), 'utf8'));
  } catch {
    return {};
  }
}

export function rememberAddress(name, url) {
  mkdirSync(folder, { recursive: true });
  const addresses = { ...readAddresses(), [name]: url };
  writeFileSync(join(folder, 'addresses.json'), `${JSON.stringify(addresses, null, 2)}\n`);
}
