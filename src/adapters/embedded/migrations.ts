import type { Migrations } from '../../lib/migrations.ts';

/** The tables of the embedded stores; applied only when one of them is used. */
export const embeddedMigrations: Migrations = {
  folder: 'migrations/embedded/',
  versionTable: 'embedded_migrations',
};
