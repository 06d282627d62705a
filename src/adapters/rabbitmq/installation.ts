import type { ChannelModel, GetMessage } from 'amqplib';
import type { MarkedStore, StoreMark } from '../../ops/installation/pairing.ts';
import { withAnswerDeadline } from './answer-deadline.ts';
import { type BrokerAddress, connectToAny, listNodes } from './nodes.ts';
import { ensureQueue, type QueueTerms } from './queue.ts';

const suffix = '.installation';
/** A queue without a leader never answers. */
const deadlineMs = 3_000;

/** The name of the queue that holds the mark of the installation of this created queue. */
export function markQueueOf(queue: string): string {
  return `${queue.slice(0, 255 - suffix.length)}${suffix}`;
}

/**
 * RabbitMQ as a store that carries the mark of its installation: one message on a queue of its own, which is
 * read and put back. Two connections that read at the same time may leave two equal messages; the next read
 * leaves one.
 */
export function rabbitmqMarkedStore(
  model: ChannelModel,
  { url, queue, terms }: { url: string; queue: string; terms: QueueTerms },
): MarkedStore {
  const name = markQueueOf(queue);
  return {
    kind: 'RABBITMQ',
    name: 'RabbitMQ',
    address: describeAddress(url),

    async readMark() {
      await withAnswerDeadline(ensureQueue(model, name, terms), deadlineMs);
      const reading = withMessages(model, name, async (channel, messages) => {
        const newest = messages.at(-1);
        for (const message of messages) {
          if (message === newest) channel.nack(message, false, true);
          else channel.ack(message);
        }
        return newest && parseMark(newest.content);
      });
      return withAnswerDeadline(reading, deadlineMs);
    },

    async writeMark(mark) {
      const present = await this.readMark();
      if (present && present.store === mark.store && present.installation === mark.installation) return;
      await withMessages(model, name, async (_, messages, acknowledge) => {
        const confirms = await model.createConfirmChannel();
        confirms.sendToQueue(name, Buffer.from(JSON.stringify(mark)), { persistent: true });
        await confirms.waitForConfirms();
        await confirms.close();
        acknowledge(messages);
      });
    },
  };
}

/** Opens a connection for one query. */
export async function withBroker<T>(
  target: BrokerAddress,
  work: (model: ChannelModel) => Promise<T>,
): Promise<T> {
  const { model } = await connectToAny(target);
  try {
    return await work(model);
  } finally {
    await model.close().catch(() => {});
  }
}

type Channel = Awaited<ReturnType<ChannelModel['createChannel']>>;

/**
 * Passes all messages of the queue to `work`, oldest first. Those neither acknowledged nor put back return by
 * themselves when the channel closes.
 */
async function withMessages<T>(
  model: ChannelModel,
  queue: string,
  work: (
    channel: Channel,
    messages: GetMessage[],
    acknowledge: (messages: GetMessage[]) => void,
  ) => Promise<T>,
): Promise<T> {
  const channel = await model.createChannel();
  channel.on('error', () => {});
  const messages: GetMessage[] = [];
  for (;;) {
    const message = await channel.get(queue);
    if (!message) break;
    messages.push(message);
  }
  const result = await work(channel, messages, (finished) => {
    for (const message of finished) channel.ack(message);
  });
  await channel.close();
  return result;
}

function parseMark(content: Buffer): StoreMark | undefined {
  try {
    const { installation, store, database } = JSON.parse(content.toString());
    const parts = [installation, store, database];
    if (!parts.every((part) => typeof part === 'string')) return undefined;
    // A broker shows no activity of other processes: the copy of a database is noticed through Redis.
    return { installation, store, database, seenAgoMs: Number.POSITIVE_INFINITY };
  } catch {
    return undefined;
  }
}

/** Hosts, ports and virtual host; sorted, because replicas may list the nodes in different orders. */
function describeAddress(url: string): string {
  const nodes = listNodes(url).map((node) => new URL(node.url));
  const hosts = nodes.map(({ protocol, hostname, port }) => {
    const usual = protocol === 'amqps:' ? '5671' : '5672';
    return `${hostname}:${port || usual}`;
  });
  const vhost = decodeURIComponent(nodes[0]?.pathname.slice(1) ?? '') || '%2f';
  return `${hosts.sort().join(',')}/${vhost}`;
}
