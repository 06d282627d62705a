import { connect } from 'amqplib';
import type { Finding } from '../lib/finding.ts';
import { ensureQueue, type QueueTerms } from './queue.ts';

const about = 'RabbitMQ';
const oldest = [3, 10];

/** Reachability, version, and whether each queue keeps what it is given. Makes those that are missing. */
export async function examineRabbitmq(
  url: string,
  queues: readonly string[],
  terms: QueueTerms,
): Promise<Finding[]> {
  try {
    const connection = await connect(url, { timeout: 5_000 });
    connection.on('error', () => {});
    try {
      const { serverProperties } = connection.connection as unknown as {
        serverProperties: { version?: string };
      };
      const findings = [judgeVersion(serverProperties.version ?? '0.0')];
      for (const queue of queues) {
        findings.push(judgeQueue(queue, await ensureQueue(connection, queue, terms)));
      }
      return findings;
    } finally {
      await connection.close();
    }
  } catch (error) {
    const { message } = error as Error;
    return [
      { about, level: 'problem', what: message, advice: 'check data.rabbitmq.url and that the server runs' },
    ];
  }
}

function judgeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) {
    return { about, level: 'ok', what: `version ${version} answers`, advice: '' };
  }
  return {
    about,
    level: 'problem',
    what: `version ${version} is too old`,
    advice: `use RabbitMQ ${oldest.join('.')} or newer`,
  };
}

function judgeQueue(queue: string, warning: string | undefined): Finding {
  if (!warning) return { about, level: 'ok', what: `queue ${queue} is there, durable`, advice: '' };
  const advice =
    'make sure that it is durable, replicated, and does not drop: a bounded queue drops its oldest messages ' +
    'by default (x-overflow: drop-head)';
  return { about, level: 'warning', what: warning, advice };
}
