import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, ensureUnpacked, suite } from './unpack.mjs';

export const pgbouncer = { name: 'pgbouncer', title: 'PgBouncer' };

/** Apart from the other servers, so that one can be fetched while tests use the other. */
const root = join(cache, `${suite}-pgbouncer`);
const program = join(root, 'usr/sbin/pgbouncer');

/** The unpacked program, or undefined. An installed one may be older than 1.21, which keeps no prepared statement. */
export function findPgbouncer() {
  return existsSync(program) ? program : undefined;
}

/** Finds or fetches it. @throws one sentence when it is missing and the run must have it */
export function ensurePgbouncer() {
  return ensureUnpacked({
    servers: [pgbouncer],
    find: findPgbouncer,
    packages: ['pgbouncer'],
    keeps: (name) => /^(pgbouncer$|zlib|lib(?!python|perl|.*-perl))/.test(name),
    root,
  });
}
