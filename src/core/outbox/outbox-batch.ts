import { instanceCreated } from '../instance/instance-created.ts';

/** Type of a message that carries none. */
export const usualType = instanceCreated;

/** A broker message: the same id and bytes on every publication. */
export interface Message {
  id: string;
  body: Buffer;
  traceparent?: string | undefined;
  /** Selects the queue; `usualType` when omitted. */
  type?: string | undefined;
  /** When the batch was committed. */
  createdAt?: Date | undefined;
}

/**
 * Encodes one message of a batch. A batch holds the messages of one commit, length-delimited, each `{ 1: id,
 * 2: body, 3: traceparent, 4: type }` in protobuf's wire format, so that any protobuf tool can read the
 * outbox. The usual type is omitted.
 */
export function encodeMessage({ id, body, traceparent = '', type = usualType }: Message): Buffer {
  const writtenType = type === usualType ? '' : type;
  const length =
    lengthOfField(id.length) +
    lengthOfField(body.length) +
    lengthOfOptional(traceparent) +
    lengthOfOptional(writtenType);
  const out = Buffer.allocUnsafe(lengthOfVarint(length) + length);
  let at = writeVarint(out, 0, length);
  out[at++] = 0x0a;
  at = writeVarint(out, at, id.length);
  at += out.write(id, at, 'latin1');
  out[at++] = 0x12;
  at = writeVarint(out, at, body.length);
  at += body.copy(out, at);
  at = writeOptional(out, at, 0x1a, traceparent);
  writeOptional(out, at, 0x22, writtenType);
  return out;
}

function writeOptional(out: Buffer, at: number, tag: number, text: string): number {
  if (text === '') return at;
  out[at++] = tag;
  at = writeVarint(out, at, text.length);
  return at + out.write(text, at, 'latin1');
}

/** Decodes a batch's messages in order; their bodies share the batch's memory. */
export function decodeBatch(batch: Buffer, createdAt?: Date): Message[] {
  const messages: Message[] = [];
  const reader = { at: 0 };
  while (reader.at < batch.length) {
    const end = readVarint(batch, reader) + reader.at;
    messages.push(decodeMessage(batch, reader, end, createdAt));
  }
  return messages;
}

function decodeMessage(batch: Buffer, reader: { at: number }, end: number, createdAt?: Date): Message {
  const message: Message = { id: '', body: noBytes, traceparent: undefined, type: undefined, createdAt };
  while (reader.at < end && end <= batch.length) {
    const tag = batch[reader.at++];
    const length = readVarint(batch, reader);
    const from = reader.at;
    reader.at += length;
    if (reader.at > end) break;
    if (tag === 0x0a) message.id = batch.toString('latin1', from, reader.at);
    else if (tag === 0x12) message.body = batch.subarray(from, reader.at);
    else if (tag === 0x1a) message.traceparent = batch.toString('latin1', from, reader.at);
    else if (tag === 0x22) message.type = batch.toString('latin1', from, reader.at);
  }
  if (reader.at !== end || end > batch.length || message.id === '') {
    throw new Error(`outbox batch is damaged near byte ${reader.at} of ${batch.length}`);
  }
  return message;
}

const noBytes = Buffer.alloc(0);

function lengthOfField(payload: number): number {
  return 1 + lengthOfVarint(payload) + payload;
}

function lengthOfOptional(text: string): number {
  return text === '' ? 0 : lengthOfField(text.length);
}

function lengthOfVarint(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

function writeVarint(into: Buffer, at: number, value: number): number {
  while (value > 0x7f) {
    into[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  into[at++] = value;
  return at;
}

function readVarint(from: Buffer, reader: { at: number }): number {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = from[reader.at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}
