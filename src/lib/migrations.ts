/** A folder of SQL files `0001_name.sql`, and the table that says which of them a database has. */
export interface Migrations {
  /** Below the root of the package, with a slash at the end. */
  folder: string;
  versionTable: string;
}
