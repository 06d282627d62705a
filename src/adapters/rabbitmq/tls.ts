import { readFileSync } from 'node:fs';

/** Paths of PEM files; empty where there is none. */
export interface TlsFiles {
  ca: string;
  cert: string;
  key: string;
}

/** Any of the files enables TLS, whatever the URL. @throws Error when a file cannot be read */
export function withTls(url: string, files: TlsFiles | undefined): { url: string; options: TlsOptions } {
  const options = readTlsOptions(files);
  if (Object.keys(options).length === 0) return { url, options };
  return { url: url.replace(/^amqp:/, 'amqps:'), options };
}

export type TlsOptions = Partial<Record<keyof TlsFiles, Buffer>>;

function readTlsOptions(files: TlsFiles | undefined): TlsOptions {
  const named = Object.entries(files ?? {}).filter(([, path]) => path !== '');
  return Object.fromEntries(
    named.map(([name, path]) => [name, readTlsFile(`data.rabbitmq.tls.${name}`, path)]),
  );
}

function readTlsFile(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`cannot read ${setting}: ${(error as Error).message}`, { cause: error });
  }
}
