import { type ChannelModel, connect } from 'amqplib';
import type { Finding } from '../../lib/finding.ts';
import { diagnoseQueue } from './diagnose-queue.ts';
import { managementAddress, type QueuePolicies, readPolicies, vhostOf } from './management.ts';
import type { QueueTerms } from './queue.ts';
import { readQueueFacts } from './queue-facts.ts';
import { type TlsFiles, type TlsOptions, withTls } from './tls.ts';

const about = 'RabbitMQ';
const oldest = [3, 10];

export interface DiagnoseOptions extends QueueTerms {
  url: string;
  tls: TlsFiles;
  managementUrl: string;
  queues: readonly string[];
}

/** Reachability, version, and every way in which a queue can lose a message. Creates missing queues. */
export async function diagnoseRabbitmq(options: DiagnoseOptions): Promise<Finding[]> {
  try {
    const { url, options: tls } = withTls(options.url, options.tls);
    const connection = await connect(url, { timeout: 5_000, ...tls });
    connection.on('error', () => {});
    try {
      const { serverProperties } = connection.connection as unknown as {
        serverProperties: { version?: string };
      };
      const version = serverProperties.version ?? '0.0';
      return [
        diagnoseVersion(version),
        ...(await diagnoseQueues(connection, version, { ...options, url }, tls)),
      ];
    } finally {
      await connection.close();
    }
  } catch (error) {
    return [{ about, level: 'problem', what: (error as Error).message, advice: adviceOn(error as Error) }];
  }
}

function adviceOn(error: Error): string {
  if (error.message.startsWith('cannot read data.rabbitmq.tls'))
    return 'correct the path, or remove the setting';
  if (/alert|handshake|certificate required/i.test(error.message)) {
    return 'set data.rabbitmq.tls.cert and data.rabbitmq.tls.key where the server requires a client certificate';
  }
  if (/certificate|self.signed|issuer/i.test(error.message)) {
    return 'set data.rabbitmq.tls.ca to the certificate of the authority that signed the certificate of the server';
  }
  return 'check data.rabbitmq.url and that the server runs';
}

async function diagnoseQueues(
  connection: ChannelModel,
  version: string,
  options: DiagnoseOptions,
  tls: TlsOptions,
): Promise<Finding[]> {
  const { url, managementUrl, deadLetterQueue } = options;
  const vhost = vhostOf(url);
  const findings: Finding[] = [];
  let unseen: string | undefined;
  for (const queue of options.queues) {
    const facts = await readQueueFacts(connection, queue, options);
    let policies: Partial<QueuePolicies> = {};
    try {
      if (unseen === undefined) policies = await readPolicies({ url, managementUrl, tls }, queue);
    } catch (error) {
      unseen = (error as Error).message || String((error as { code?: string }).code);
    }
    const brokerMajor = Number.parseInt(version, 10);
    findings.push(diagnoseQueue({ facts, deadLetterQueue, vhost, brokerMajor, ...policies }));
  }
  if (unseen !== undefined) {
    const address = managementAddress({ url, managementUrl, tls });
    const what =
      `policies cannot be read without the management plugin (${address}: ${unseen}); ` +
      'check rabbitmqctl list_policies and list_operator_policies for message-ttl, expires, max-length, delivery-limit';
    findings.push({ about, level: 'ok', what, advice: '' });
  }
  return findings;
}

function diagnoseVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) {
    return { about, level: 'ok', what: `reachable, version ${version}`, advice: '' };
  }
  return {
    about,
    level: 'problem',
    what: `version ${version} is too old`,
    advice: `use RabbitMQ ${oldest.join('.')} or newer`,
  };
}
