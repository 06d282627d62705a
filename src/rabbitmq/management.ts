import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { TlsOptions } from './tls.ts';

/** The policies in force on one queue. Only the management plugin shows them. */
export interface QueuePolicies {
  policy: Policy | undefined;
  operatorPolicy: Policy | undefined;
}

export interface Policy {
  name: string;
  priority: number;
  definition: Readonly<Record<string, unknown>>;
}

export interface ManagementOptions {
  /** Of AMQP: host, user, password and virtual host. */
  url: string;
  /** Empty: the usual port of that host. */
  managementUrl: string;
  tls: TlsOptions;
}

const deadlineMs = 3_000;

/** @throws Error when the management API does not answer */
export async function readPolicies(options: ManagementOptions, queue: string): Promise<QueuePolicies> {
  const vhost = encodeURIComponent(vhostOf(options.url));
  const row = (await read(options, `/api/queues/${vhost}/${encodeURIComponent(queue)}`)) as {
    policy?: string | null;
    operator_policy?: string | null;
  };
  const find = async (kind: string, name: string | null | undefined): Promise<Policy | undefined> =>
    name ? ((await read(options, `/api/${kind}/${vhost}/${encodeURIComponent(name)}`)) as Policy) : undefined;
  return {
    policy: await find('policies', row.policy),
    operatorPolicy: await find('operator-policies', row.operator_policy),
  };
}

export function vhostOf(amqpUrl: string): string {
  const path = new URL(amqpUrl).pathname.slice(1);
  return path === '' ? '/' : decodeURIComponent(path);
}

/** Without user and password. */
export function managementAddress({ url, managementUrl }: ManagementOptions): string {
  if (managementUrl !== '') return new URL(managementUrl).origin;
  const { protocol, hostname } = new URL(url);
  return protocol === 'amqps:' ? `https://${hostname}:15671` : `http://${hostname}:15672`;
}

function read(options: ManagementOptions, path: string): Promise<unknown> {
  const { username, password } = new URL(options.managementUrl || options.url);
  const { username: amqpUser, password: amqpPassword } = new URL(options.url);
  const auth = [username || amqpUser || 'guest', password || amqpPassword || 'guest']
    .map(decodeURIComponent)
    .join(':');
  const address = managementAddress(options) + path;
  const request = address.startsWith('https:') ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const call = request(address, { auth, timeout: deadlineMs, ...options.tls }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`it answers ${response.statusCode}`));
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        } catch (error) {
          reject(error);
        }
      });
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${deadlineMs} ms`)));
    call.on('error', reject);
    call.end();
  });
}
