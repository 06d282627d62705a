import { findNewer, type Unpacked } from '../../scripts/services/newer.mjs';
import { mayMiss } from '../../scripts/services/unpack.mjs';

/**
 * For `describe.skipIf` and `test.skipIf`: true only when it is missing and WEIR_TEST_ALLOW_MISSING permits
 * that.
 */
export function lacks(name: 'rabbitmq4' | 'valkey'): boolean {
  return findNewer(name) === undefined && mayMiss(name);
}

export function needNewer(name: 'rabbitmq4' | 'valkey'): Unpacked {
  const found = findNewer(name);
  if (!found) throw new Error(`cannot find ${name}: run \`npm run services\`, which unpacks it`);
  return found;
}
