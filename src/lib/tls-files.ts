import { readFileSync } from 'node:fs';

/** Paths of PEM files; '' where there is none. Any of them enables TLS. */
export interface TlsFiles {
  ca: string;
  cert: string;
  key: string;
}

export type TlsOptions = Partial<Record<keyof TlsFiles, Buffer>>;

/** undefined where none is set. `setting`: as in `data.redis.tls`. @throws one sentence when a file cannot be read */
export function readTlsFiles(setting: string, files: TlsFiles | undefined): TlsOptions | undefined {
  const named = Object.entries(files ?? {}).filter(([, path]) => path !== '');
  if (named.length === 0) return undefined;
  return Object.fromEntries(named.map(([name, path]) => [name, readPem(`${setting}.${name}`, path)]));
}

function readPem(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`cannot read ${setting}: ${(error as Error).message}`, { cause: error });
  }
}
