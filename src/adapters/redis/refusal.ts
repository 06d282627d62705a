import { ReplyError } from 'ioredis';
import { messageOf } from '../../lib/message-of.ts';

/** Why Redis refuses a command; also a metric label. */
export type RefusalReason =
  | 'READONLY'
  | 'MASTERDOWN'
  | 'LOADING'
  | 'NOREPLICAS'
  | 'MISCONF'
  | 'OOM'
  | 'BUSY'
  | 'CLUSTER'
  | 'MOVED'
  | 'SENTINEL'
  | 'NOFSYNC'
  | 'NOPERM'
  | 'NOAUTH'
  | 'WRONGTYPE'
  | 'SILENT'
  | 'UNREACHABLE'
  | 'OTHER';

export interface Refusal {
  reason: RefusalReason;
  /** A message for people, such as "Redis refuses writes: OOM command not allowed …". */
  message: string;
  /** What is affected: the whole server, or only the key or the command that was used. */
  concerns: 'server' | 'key';
  /** Whether a new connection to the same address may reach a server that does not refuse. */
  reconnect: boolean;
  /** How long a refusal counts after it was last seen, even while the periodic check succeeds. */
  countsForMs: number;
}

interface Kind {
  /** The beginning of the message. */
  summary: string;
  concerns?: 'key';
  reconnect?: true;
  countsForMs?: number;
}

const writes = 'Redis refuses writes';
const commands = 'Redis refuses commands';
/** The periodic check and a sale may be on different sides of a limit; the state must not alternate. */
const nearLimitMs = 1_000;
/** The periodic check touches no key of a sale and runs no script, so it cannot see when these end. */
const unseenMs = 30_000;

const kinds: Record<RefusalReason, Kind> = {
  READONLY: { summary: writes, reconnect: true },
  MASTERDOWN: { summary: commands, reconnect: true },
  LOADING: { summary: commands, reconnect: true },
  NOREPLICAS: { summary: writes, countsForMs: nearLimitMs },
  MISCONF: { summary: writes, countsForMs: nearLimitMs },
  OOM: { summary: writes, countsForMs: nearLimitMs },
  BUSY: { summary: commands, countsForMs: nearLimitMs },
  CLUSTER: { summary: commands, countsForMs: unseenMs },
  MOVED: { summary: 'Redis Cluster has moved a key', concerns: 'key' },
  SENTINEL: { summary: commands },
  NOFSYNC: { summary: 'Redis cannot confirm what is on disk, and sale.acknowledge is fsync' },
  NOPERM: { summary: 'Redis refuses a command', countsForMs: unseenMs },
  NOAUTH: { summary: 'Redis refuses this client' },
  WRONGTYPE: { summary: 'Redis refuses a key', concerns: 'key', countsForMs: unseenMs },
  SILENT: { summary: 'Redis does not answer' },
  UNREACHABLE: { summary: 'Redis is not connected' },
  OTHER: { summary: 'Redis refuses a command', concerns: 'key' },
};

export const refusalReasons = Object.keys(kinds) as RefusalReason[];

const codes: Record<string, RefusalReason> = {
  READONLY: 'READONLY',
  // A blocked read fails with it when its primary becomes a replica.
  UNBLOCKED: 'READONLY',
  MASTERDOWN: 'MASTERDOWN',
  LOADING: 'LOADING',
  NOREPLICAS: 'NOREPLICAS',
  MISCONF: 'MISCONF',
  OOM: 'OOM',
  BUSY: 'BUSY',
  UNKILLABLE: 'BUSY',
  CROSSSLOT: 'CLUSTER',
  MOVED: 'MOVED',
  ASK: 'MOVED',
  TRYAGAIN: 'MOVED',
  CLUSTERDOWN: 'CLUSTER',
  NOPERM: 'NOPERM',
  NOAUTH: 'NOAUTH',
  WRONGPASS: 'NOAUTH',
  DENIED: 'NOAUTH',
  WRONGTYPE: 'WRONGTYPE',
  NOFSYNC: 'NOFSYNC',
};

/** Errors without a code of their own: Redis answers `ERR` and a text. */
const texts: readonly [RegExp, RefusalReason][] = [
  [/WAITAOF/, 'NOFSYNC'],
  [/user executing the script can't run|ACL failure in script/, 'NOPERM'],
  [/^ERR (AUTH|invalid password|DB index|max number of clients)/, 'NOAUTH'],
  [/SELECT is not allowed in cluster mode/, 'CLUSTER'],
];

/** Expected replies: the group or the script is created again. */
const ordinary = /^(NOGROUP|BUSYGROUP|NOSCRIPT|UNBLOCKED the stream key)\b/;

/** Errors of ioredis for commands without a connection; they have no cause of their own. */
const closed = /isn't writeable|Connection is closed|due to connection close|max retries per request/;

/** @returns undefined for an expected reply, such as NOGROUP */
export function classifyRefusal(error: unknown): Refusal | undefined {
  if (error instanceof SilentError) return describe('SILENT', error.message);
  const text = messageOf(error);
  if (error instanceof RefusedError) return describe(error.reason, text);
  if (!(error instanceof ReplyError)) return describe('UNREACHABLE', closed.test(text) ? '' : text);
  if (ordinary.test(text)) return undefined;
  const cause = causeOf(text);
  return describe(reasonOf(cause), cause);
}

/** Redis did not answer within the deadline. */
export class SilentError extends Error {}

/** A refusal that no single reply of Redis expresses, such as "it is a Sentinel". */
export class RefusedError extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

function describe(reason: RefusalReason, text: string): Refusal {
  const { summary, concerns = 'server', reconnect = false, countsForMs = 0 } = kinds[reason];
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return {
    reason,
    message: short === '' ? summary : `${summary}: ${short}`,
    concerns,
    reconnect,
    countsForMs,
  };
}

function reasonOf(text: string): RefusalReason {
  const code = /^[A-Z]+/.exec(text)?.[0] ?? '';
  return codes[code] ?? texts.find(([pattern]) => pattern.test(text))?.[1] ?? 'OTHER';
}

/**
 * The error without the text that Redis adds when it occurs in a script: Redis 6 puts "ERR Error running
 * script (…): @user_script:1: -" in front, Redis 7 appends " script: <digest>, on @user_script:1.". The
 * arguments of an unknown command are cut off: they are data of buyers.
 */
function causeOf(text: string): string {
  return text
    .replace(/^ERR Error running script.*?: ?@user_script: ?\d+: (?:@user_script: ?\d+: )?-?/, '')
    .replace(/ script: [0-9a-f]{40},.*$/s, '')
    .replace(/,? with args beginning with:.*$/s, '')
    .trim()
    .replace(/\.$/, '');
}
