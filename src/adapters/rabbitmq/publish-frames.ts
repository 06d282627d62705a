import { type Message, usualType } from '../../core/outbox/outbox-batch.ts';

// AMQP 0-9-1: frame types and basic class (section 4.2.3), property flags (section 4.2.6.1).
const methodFrame = 1;
const headerFrame = 2;
const bodyFrame = 3;
const frameEnd = 0xce;
const frameOverhead = 8;
const basicClass = 60;
const basicPublish = 40;
const mandatoryBit = 1;
const flags = {
  contentType: 1 << 15,
  headers: 1 << 13,
  deliveryMode: 1 << 12,
  messageId: 1 << 7,
  timestamp: 1 << 6,
  type: 1 << 5,
  appId: 1 << 3,
};
const persistent = 2;
const longString = 'S'.charCodeAt(0);

const contentType = shortString('application/octet-stream');
const appId = shortString('weir');
const traceparentName = shortString('traceparent');

/**
 * Encodes basic.publish for whole batches on one channel: the method, header and body frames of each message,
 * in one buffer. The client library's own publish takes 20 µs of CPU per message because it encodes and
 * writes each one separately; this takes 4 (docs/decisions/0005). A test compares both byte for byte.
 */
export function createPublishEncoder(
  queueOf: (type: string, messageId: string) => string,
  channel: number,
  frameMax = 131_072,
): (messages: readonly Message[]) => Buffer {
  const routes = new Map<string, Route>();
  const maxBody = frameMax - frameOverhead;
  function findRoute(type: string, messageId: string): Route {
    const queue = queueOf(type, messageId);
    const key = `${type} ${queue}`;
    let route = routes.get(key);
    if (!route) {
      route = { method: encodeMethod(queue, channel), type: shortString(type) };
      routes.set(key, route);
    }
    return route;
  }
  return (messages) => {
    const routed = messages.map(({ type = usualType, id }) => findRoute(type, id));
    const out = Buffer.allocUnsafe(
      messages.reduce((sum, message, i) => sum + maxLength(routed[i] as Route, message, maxBody), 0),
    );
    let at = 0;
    messages.forEach((message, i) => {
      const route = routed[i] as Route;
      at += route.method.copy(out, at);
      at = writeHeader(out, at, channel, route.type, message);
      for (let sent = 0; sent < message.body.length; sent += maxBody) {
        at = writeFrame(
          out,
          at,
          bodyFrame,
          channel,
          (from) => from + message.body.copy(out, from, sent, sent + maxBody),
        );
      }
    });
    return out.subarray(0, at);
  };
}

/** The frame parts that all messages of one type share on one queue. */
interface Route {
  method: Buffer;
  type: Buffer;
}

function encodeMethod(queue: string, channel: number): Buffer {
  const routingKey = shortString(queue);
  const out = Buffer.alloc(8 + 8 + routingKey.length);
  writeFrame(out, 0, methodFrame, channel, (from) => {
    let at = out.writeUInt16BE(basicClass, from);
    at = out.writeUInt16BE(basicPublish, at);
    at = out.writeUInt16BE(0, at); // reserved
    at = out.writeUInt8(0, at); // the default exchange
    at += routingKey.copy(out, at);
    return out.writeUInt8(mandatoryBit, at);
  });
  return out;
}

function writeHeader(out: Buffer, start: number, channel: number, type: Buffer, message: Message): number {
  const { id, body, traceparent, createdAt } = message;
  return writeFrame(out, start, headerFrame, channel, (from) => {
    let at = out.writeUInt16BE(basicClass, from);
    at = out.writeUInt16BE(0, at); // weight
    at = out.writeUInt32BE(0, at);
    at = out.writeUInt32BE(body.length, at);
    at = out.writeUInt16BE(flagsOf(message), at);
    at += contentType.copy(out, at);
    if (traceparent) at = writeHeadersTable(out, at, traceparent);
    at = out.writeUInt8(persistent, at);
    at = out.writeUInt8(id.length, at);
    at += out.write(id, at, 'latin1');
    if (createdAt) {
      at = out.writeUInt32BE(0, at);
      at = out.writeUInt32BE(Math.floor(createdAt.getTime() / 1000), at);
    }
    at += type.copy(out, at);
    return at + appId.copy(out, at);
  });
}

function flagsOf({ traceparent, createdAt }: Message): number {
  return (
    flags.contentType |
    (traceparent ? flags.headers : 0) |
    flags.deliveryMode |
    flags.messageId |
    (createdAt ? flags.timestamp : 0) |
    flags.type |
    flags.appId
  );
}

function writeHeadersTable(out: Buffer, start: number, traceparent: string): number {
  let at = out.writeUInt32BE(traceparentName.length + 5 + traceparent.length, start);
  at += traceparentName.copy(out, at);
  at = out.writeUInt8(longString, at);
  at = out.writeUInt32BE(traceparent.length, at);
  return at + out.write(traceparent, at, 'latin1');
}

/** Type, channel, length, payload, end. @returns where the next frame begins */
function writeFrame(
  out: Buffer,
  start: number,
  frameType: number,
  channel: number,
  writePayload: (from: number) => number,
): number {
  out.writeUInt8(frameType, start);
  out.writeUInt16BE(channel, start + 1);
  const end = writePayload(start + 7);
  out.writeUInt32BE(end - start - 7, start + 3);
  return out.writeUInt8(frameEnd, end);
}

/** 128 bytes are more than enough for all properties but type, id and trace. */
function maxLength(
  { method, type }: Route,
  { id, body, traceparent = '' }: Message,
  maxBody: number,
): number {
  const bodyFrames = Math.ceil(body.length / maxBody);
  return (
    method.length +
    128 +
    type.length +
    id.length +
    traceparent.length +
    body.length +
    bodyFrames * frameOverhead
  );
}

function shortString(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
}
