import { setTimeout as sleep } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { connect } from 'amqplib';
import { InstanceResultSchema } from '../../../test/wire/weir/v1/event_pb.ts';

/** Begins with the first one; `events`: how many have arrived since the job before. */
export interface AnswerJob {
  readonly rabbitmq: string;
  readonly queue: string;
  readonly resultQueue: string;
  readonly events: number;
}

/** By instance id, when its event arrived: wall time in ms. */
export type Received = [instanceId: string, atMs: number][];

const prefetch = 2_000;
const receivedWithinMs = 60_000;
let received: Received = [];
let answering: Promise<void> | undefined;

/** The Resource Domain: answers each event at once. @returns the events that arrived since the job before */
export async function answerEvents({ events, ...addresses }: AnswerJob): Promise<Received> {
  answering ??= consume(addresses);
  await answering;
  const deadline = performance.now() + receivedWithinMs;
  while (received.length < events) {
    if (performance.now() > deadline) throw new Error(`${received.length} of ${events} events were received`);
    await sleep(20);
  }
  const arrived = received;
  received = [];
  return arrived;
}

/** Acknowledges an event when its result is confirmed. */
async function consume({ rabbitmq, queue, resultQueue }: Omit<AnswerJob, 'events'>): Promise<void> {
  const channel = await (await connect(rabbitmq)).createConfirmChannel();
  await channel.prefetch(prefetch);
  await channel.consume(queue, (message) => {
    if (message === null) return;
    const instanceId = String(message.properties.messageId);
    received.push([instanceId, performance.timeOrigin + performance.now()]);
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
}
