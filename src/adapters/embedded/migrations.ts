import type { Migrations } from '../../lib/migrations.ts';

/** The tables of the embedded stores; applied only where one of them is in use. */
export const embeddedMigrations: Migrations = {
  folder: 'migrations/embedded/',
  versionTable: 'embedded_migrations',
};
