import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, ensureUnpacked, suite } from './unpack.mjs';

export const pgbouncer = { name: 'pgbouncer', title: 'PgBouncer' };

/** Separate from the other servers, so that one can be fetched while tests use another. */
const root = join(cache, `${suite}-pgbouncer`);
const program = join(root, 'usr/sbin/pgbouncer');

/**
 * The unpacked program, or undefined. An installed one may be older than 1.21, which does not preserve
 * prepared statements.
 */
export function findPgbouncer() {
  return existsSync(program) ? program : undefined;
}

/** Finds or fetches it. @throws one sentence when it is missing and required */
export function ensurePgbouncer() {
  return ensureUnpacked({
    servers: [pgbouncer],
    find: findPgbouncer,
    packages: ['pgbouncer'],
    keeps: (name) => /^(pgbouncer$|zlib|lib(?!python|perl|.*-perl))/.test(name),
    root,
  });
}
