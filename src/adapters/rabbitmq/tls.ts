import { readTlsFiles, type TlsFiles, type TlsOptions } from '../../lib/tls-files.ts';

/** Any of the files enables TLS, whatever the URL. @throws Error when a file cannot be read */
export function withTls(url: string, files: TlsFiles | undefined): { url: string; options: TlsOptions } {
  const options = readTlsFiles('data.rabbitmq.tls', files);
  if (!options) return { url, options: {} };
  return { url: url.replace(/^amqp:/, 'amqps:'), options };
}
