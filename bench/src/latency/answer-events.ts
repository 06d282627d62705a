import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { connect } from 'amqplib';
import { InstanceResultSchema } from '../../../test/wire/weir/v1/event_pb.ts';

const prefetch = 2_000;

/** When the event of an instance was received, by instance id; `performance.now()`. */
export type ReceivedAt = Map<string, number>;

/**
 * The Resource Domain: receives events, answers each immediately, and acknowledges it when its result is
 * confirmed.
 */
export async function answerEvents(url: string, queue: string, resultQueue: string): Promise<ReceivedAt> {
  const receivedAt: ReceivedAt = new Map();
  const channel = await (await connect(url)).createConfirmChannel();
  await channel.prefetch(prefetch);
  await channel.consume(queue, (message) => {
    if (message === null) return;
    const instanceId = String(message.properties.messageId);
    receivedAt.set(instanceId, performance.now());
    const result = create(InstanceResultSchema, {
      instanceId: BigInt(instanceId),
      status: 'SUCCESS',
      timestamp: timestampFromMs(Date.now()),
    });
    const options = { persistent: true, type: 'INSTANCE_RESULT', messageId: `${instanceId}-result` };
    const bytes = Buffer.from(toBinary(InstanceResultSchema, result));
    channel.publish('', resultQueue, bytes, options, (error: unknown) => {
      if (!error) channel.ack(message);
    });
  });
  return receivedAt;
}
