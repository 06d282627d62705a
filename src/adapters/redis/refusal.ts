import { ReplyError } from 'ioredis';

/** Why Redis does not do what it is asked; the label of the metrics. */
export type RefusalReason =
  | 'READONLY'
  | 'MASTERDOWN'
  | 'LOADING'
  | 'NOREPLICAS'
  | 'MISCONF'
  | 'OOM'
  | 'BUSY'
  | 'CLUSTER'
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
  /** A sentence for people, such as "Redis refuses writes: OOM command not allowed …". */
  message: string;
  /** What is concerned: the whole server, or only the key or the command that was used. */
  concerns: 'server' | 'key';
  /** Whether a new connection to the same address may reach a server that does not refuse. */
  reconnect: boolean;
  /** How long a refusal counts after it was last seen, also while the periodic check succeeds. */
  holdMs: number;
}

interface Kind {
  /** The beginning of the message. */
  says: string;
  concerns?: 'key';
  reconnect?: true;
  holdMs?: number;
}

const writes = 'Redis refuses writes';
const commands = 'Redis refuses commands';
/** The periodic check and a sale may stand on two sides of a limit: the state must not alternate. */
const nearLimitMs = 1_000;
/** The periodic check touches no key of a sale and runs no script, so it cannot see when these end. */
const unseenMs = 30_000;

const kinds: Record<RefusalReason, Kind> = {
  READONLY: { says: writes, reconnect: true },
  MASTERDOWN: { says: commands, reconnect: true },
  LOADING: { says: commands, reconnect: true },
  NOREPLICAS: { says: writes, holdMs: nearLimitMs },
  MISCONF: { says: writes, holdMs: nearLimitMs },
  OOM: { says: writes, holdMs: nearLimitMs },
  BUSY: { says: commands, holdMs: nearLimitMs },
  CLUSTER: { says: commands, holdMs: unseenMs },
  SENTINEL: { says: commands },
  NOFSYNC: { says: 'Redis cannot confirm what is on disk, and sale.acknowledge is fsync' },
  NOPERM: { says: 'Redis refuses a command', holdMs: unseenMs },
  NOAUTH: { says: 'Redis refuses this client' },
  WRONGTYPE: { says: 'Redis refuses a key', concerns: 'key', holdMs: unseenMs },
  SILENT: { says: 'Redis does not answer' },
  UNREACHABLE: { says: 'Redis is not connected' },
  OTHER: { says: 'Redis refuses a command', concerns: 'key' },
};

export const refusalReasons = Object.keys(kinds) as RefusalReason[];

const codes: Record<string, RefusalReason> = {
  READONLY: 'READONLY',
  // A blocked read ends with it when its primary becomes a replica.
  UNBLOCKED: 'READONLY',
  MASTERDOWN: 'MASTERDOWN',
  LOADING: 'LOADING',
  NOREPLICAS: 'NOREPLICAS',
  MISCONF: 'MISCONF',
  OOM: 'OOM',
  BUSY: 'BUSY',
  UNKILLABLE: 'BUSY',
  CROSSSLOT: 'CLUSTER',
  MOVED: 'CLUSTER',
  ASK: 'CLUSTER',
  TRYAGAIN: 'CLUSTER',
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

/** Answers that belong to the ordinary way: a group or a script is made again. */
const ordinary = /^(NOGROUP|BUSYGROUP|NOSCRIPT|UNBLOCKED the stream key)\b/;

/** What ioredis says of a command that was on its way, or came, without a connection: no cause of its own. */
const closed = /isn't writeable|Connection is closed|due to connection close|max retries per request/;

/** @returns undefined for an answer that refuses nothing, such as NOGROUP */
export function classifyRefusal(error: unknown): Refusal | undefined {
  if (error instanceof SilentError) return describe('SILENT', error.message);
  const text = textOf(error);
  if (error instanceof RefusedError) return describe(error.reason, text);
  if (!(error instanceof ReplyError)) return describe('UNREACHABLE', closed.test(text) ? '' : text);
  if (ordinary.test(text)) return undefined;
  const cause = causeOf(text);
  return describe(reasonOf(cause), cause);
}

/** Redis has not answered by the deadline. */
export class SilentError extends Error {}

/** A refusal that no single answer of Redis states, such as "it is a Sentinel". */
export class RefusedError extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

function describe(reason: RefusalReason, text: string): Refusal {
  const { says, concerns = 'server', reconnect = false, holdMs = 0 } = kinds[reason];
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return { reason, message: short === '' ? says : `${says}: ${short}`, concerns, reconnect, holdMs };
}

function reasonOf(text: string): RefusalReason {
  const code = /^[A-Z]+/.exec(text)?.[0] ?? '';
  return codes[code] ?? texts.find(([pattern]) => pattern.test(text))?.[1] ?? 'OTHER';
}

/**
 * The error without what Redis adds around it when a script meets it: Redis 6 puts "ERR Error running script (…):
 * @user_script:1: -" before it, Redis 7 puts " script: <digest>, on @user_script:1." after it. The arguments of an unknown
 * command are cut off: they are the buyers'.
 */
function causeOf(text: string): string {
  return text
    .replace(/^ERR Error running script.*?: ?@user_script: ?\d+: (?:@user_script: ?\d+: )?-?/, '')
    .replace(/ script: [0-9a-f]{40},.*$/s, '')
    .replace(/,? with args beginning with:.*$/s, '')
    .trim()
    .replace(/\.$/, '');
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A name with two addresses fails with an error that has no text of its own.
  if (error.message === '' && error instanceof AggregateError) return error.errors.map(textOf).join('; ');
  return error.message;
}
