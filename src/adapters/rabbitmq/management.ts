import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { TlsOptions } from '../../lib/tls-files.ts';

/** The policies that apply to one queue. Only the management plugin shows them. */
export interface QueuePolicies {
  policy: Policy | undefined;
  operatorPolicy: Policy | undefined;
  /** Nodes with a copy of the queue; undefined for types other than quorum. */
  members?: readonly string[] | undefined;
}

export interface Policy {
  name: string;
  priority: number;
  definition: Readonly<Record<string, unknown>>;
}

interface ManagementOptions {
  /** AMQP URL: host, user, password and virtual host. */
  url: string;
  /** Empty: the default port on that host. */
  managementUrl: string;
  tls: TlsOptions;
}

const deadlineMs = 3_000;

/** @throws Error when the management API does not answer */
export async function readPolicies(options: ManagementOptions, queue: string): Promise<QueuePolicies> {
  const vhost = encodeURIComponent(vhostOf(options.url));
  // With statistics, the policy of a queue is up to five seconds old, and missing for a new queue.
  const path = `/api/queues/${vhost}/${encodeURIComponent(queue)}?disable_stats=true&enable_queue_totals=true`;
  const row = (await read(options, path)) as QueueRow;
  const policyPath = `/api/policies/${vhost}/${encodeURIComponent(row.policy ?? '')}`;
  // Without statistics a queue does not name its operator policy.
  const operatorPolicies = (await read(options, `/api/operator-policies/${vhost}`)) as PolicyRow[];
  return {
    members: row.members,
    policy: row.policy ? ((await read(options, policyPath)) as Policy) : undefined,
    operatorPolicy: operatorPolicies
      .filter((candidate) => applies(candidate, queue, row.type ?? ''))
      .sort((a, b) => b.priority - a.priority)[0],
  };
}

interface QueueRow {
  policy?: string | null;
  type?: string;
  members?: string[];
}

interface PolicyRow extends Policy {
  pattern: string;
  'apply-to': string;
}

function applies({ pattern, 'apply-to': to }: PolicyRow, queue: string, type: string): boolean {
  if (!['all', 'queues', `${type}_queues`].includes(to)) return false;
  try {
    return new RegExp(pattern).test(queue);
  } catch {
    return false;
  }
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
