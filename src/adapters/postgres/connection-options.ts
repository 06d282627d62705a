import { readFileSync } from 'node:fs';
import pg, { type PoolConfig } from 'pg';

/** Files in PEM; '' where there is none. */
export interface TlsFiles {
  ca: string;
  cert: string;
  key: string;
}

export interface ConnectionOptions {
  url: string;
  tls?: TlsFiles | undefined;
  /** Where the tables are; undefined: where the role's search_path finds them. */
  schema?: string | undefined;
}

/** What of TLS a URL may say; the settings replace it. */
const tlsParameters = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat'];

/** @throws in one sentence when a file of the settings cannot be read */
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

/** As the client will connect, with what it takes from PGHOST and the like; without credentials. */
export function describeServer(options: ConnectionOptions): string {
  const { database, host, port } = new pg.Client(toClientConfig(options));
  return `database ${database} on ${host.startsWith('/') ? host : `${host}:${port}`}`;
}

function readPem(name: keyof TlsFiles, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read data.database.tls.${name}: ${(error as Error).message}`, { cause: error });
  }
}
