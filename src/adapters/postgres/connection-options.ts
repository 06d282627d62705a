import type { PoolConfig } from 'pg';
import { readTlsFiles, type TlsFiles } from '../../lib/tls-files.ts';

export interface ConnectionOptions {
  url: string;
  tls?: TlsFiles | undefined;
  /** The schema of the tables; undefined: found through the role's search_path. */
  schema?: string | undefined;
}

/** TLS parameters that a URL may contain; the settings replace them. */
const tlsParameters = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat'];

/** @throws an error with a complete sentence when a file of the settings cannot be read */
export function toClientConfig({ url, tls }: ConnectionOptions): PoolConfig {
  const files = readTlsFiles('data.database.tls', tls);
  if (!files) return { connectionString: url };
  const target = new URL(url);
  const isUnverified = target.searchParams.get('sslmode') === 'no-verify';
  for (const name of tlsParameters) target.searchParams.delete(name);
  return {
    connectionString: target.href,
    ssl: { ...files, ...(isUnverified ? { rejectUnauthorized: false } : {}) },
  };
}
