import { connect } from 'node:net';

/** A server of the right kind that is not ready yet: waiting helps, starting another one does not. */
export class StillStarting extends Error {}

/** Resolves with the version, or undefined when PostgreSQL reports it only after a password. */
export function askPostgres(address) {
  const url = new URL(address);
  return converse(url, 5432, encodeStartup(url), (bytes) => readStartupAnswer(bytes, url));
}

export function askRedis(address) {
  const url = new URL(address);
  const user = decodeURIComponent(url.username) || 'default';
  const login = url.password ? encodeCommand('AUTH', user, decodeURIComponent(url.password)) : '';
  return converse(
    url,
    6379,
    login + encodeCommand('PING') + encodeCommand('INFO', 'server'),
    readRedisAnswer,
  );
}

export function askRabbitmq(address) {
  return converse(new URL(address), 5672, Buffer.from('AMQP\0\0\x09\x01', 'latin1'), readConnectionStart);
}

/** `read` gets everything received so far; undefined requests more, an exception ends the conversation. */
function converse(url, usualPort, greeting, read) {
  const port = Number(url.port || usualPort);
  const host = url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1';
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 2000 });
    let received = Buffer.alloc(0);
    const fail = (error) => {
      socket.destroy();
      reject(error);
    };
    socket.on('connect', () => socket.write(greeting));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      try {
        const answer = read(received);
        if (answer === undefined) return;
        socket.destroy();
        resolve(answer.version);
      } catch (error) {
        fail(error);
      }
    });
    socket.on('error', fail);
    socket.on('timeout', () => fail(new Error('connected, but no answer within 2 s')));
    socket.on('close', () => fail(new Error('the connection was closed without an answer')));
  });
}

function encodeStartup(url) {
  const user = decodeURIComponent(url.username) || 'postgres';
  const database = decodeURIComponent(url.pathname.slice(1)) || user;
  const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(196608, 4); // protocol 3.0
  return Buffer.concat([head, parameters]);
}

/** A message is a type byte, a length that counts itself, and a body; ReadyForQuery (Z) ends the startup. */
function readStartupAnswer(bytes, url) {
  if (!'RE'.includes(String.fromCharCode(bytes[0])))
    throw new Error('something else than PostgreSQL answered');
  let version;
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (end > bytes.length) return undefined;
    const type = String.fromCharCode(bytes[at]);
    const body = bytes.subarray(at + 5, end);
    if (type === 'E') throw describeRefusal(body);
    if (type === 'R' && body.readInt32BE(0) !== 0) {
      if (url.password) return { version: undefined };
      throw new Error('PostgreSQL wants a password for this user');
    }
    if (type === 'S') {
      const [name, value] = body.toString().split('\0');
      if (name === 'server_version') version = value;
    }
    if (type === 'Z') return { version };
    at = end;
  }
  return undefined;
}

function describeRefusal(body) {
  const fields = body.toString().split('\0');
  const find = (letter) => fields.find((field) => field.startsWith(letter))?.slice(1);
  const message = `PostgreSQL refuses: ${find('M')}`;
  return find('C') === '57P03' ? new StillStarting(message) : new Error(message);
}

function encodeCommand(...words) {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

function readRedisAnswer(bytes) {
  const text = bytes.toString();
  if (!/^[+-]/.test(text)) throw new Error('something else than Redis answered');
  const refusal = /^-(.*)\r$/m.exec(text)?.[1];
  if (refusal?.startsWith('LOADING')) throw new StillStarting(`Redis refuses: ${refusal}`);
  if (refusal) throw new Error(`Redis refuses: ${refusal}`);
  const version = /^redis_version:(\S+)/m.exec(text)?.[1];
  return text.includes('+PONG') && version ? { version } : undefined;
}

/** One method frame (type 1): connection.start (10, 10), whose server properties contain the version. */
function readConnectionStart(bytes) {
  if (bytes[0] !== 1) throw new Error('something else than RabbitMQ answered');
  if (bytes.length < 11 || bytes.length < 8 + bytes.readUInt32BE(3)) return undefined;
  if (bytes.readUInt32BE(7) !== 0x000a000a) throw new Error('RabbitMQ did not begin with connection.start');
  const key = Buffer.from('\x07versionS', 'latin1'); // short string key, then a long string
  const at = bytes.indexOf(key);
  if (at < 0) return { version: undefined };
  const start = at + key.length + 4;
  return { version: bytes.toString('utf8', start, start + bytes.readUInt32BE(start - 4)) };
}
