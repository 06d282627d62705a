/** A folder of SQL files `0001_name.sql`, and the table that records which of them a database has. */
export interface Migrations {
  /** Relative to the root of the package, with a trailing slash. */
  folder: string;
  versionTable: string;
}
