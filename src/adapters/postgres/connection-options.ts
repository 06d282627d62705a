import { readFileSync } from 'node:fs';
import type { PoolConfig } from 'pg';

/** Paths of PEM files; '' where there is none. */
export interface TlsFiles {
  ca: string;
  cert: string;
  key: string;
}

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
  if (!tls || (tls.ca === '' && tls.cert === '' && tls.key === '')) return { connectionString: url };
  const target = new URL(url);
  const isUnverified = target.searchParams.get('sslmode') === 'no-verify';
  for (const name of tlsParameters) target.searchParams.delete(name);
  return {
    connectionString: target.href,
    ssl: {
      ...(tls.ca === '' ? {} : { ca: readPem('ca', tls.ca) }),
      ...(tls.cert === '' ? {} : { cert: readPem('cert', tls.cert) }),
      ...(tls.key === '' ? {} : { key: readPem('key', tls.key) }),
      ...(isUnverified ? { rejectUnauthorized: false } : {}),
    },
  };
}

function readPem(name: keyof TlsFiles, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read data.database.tls.${name}: ${(error as Error).message}`, { cause: error });
  }
}
