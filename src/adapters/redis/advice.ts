import { messageOf } from '../../lib/message-of.ts';
import type { RedisConfig } from './connections.ts';
import { classifyRefusal, type RefusalReason } from './refusal.ts';

const advices: Partial<Record<RefusalReason, string>> = {
  READONLY: 'point data.redis.addr to the primary, or to a name that follows a failover',
  MASTERDOWN: 'point data.redis.addr to the primary, or to a name that follows a failover',
  LOADING: 'wait until Redis has loaded its data',
  NOREPLICAS: 'bring the replicas back, or lower min-replicas-to-write',
  MISCONF: 'free the disk of Redis and check its log; then BGSAVE',
  OOM: 'raise maxmemory, or remove what does not belong to Weir',
  BUSY: 'end the script with SCRIPT KILL',
  CLUSTER:
    'write redis+cluster://host:port,… in data.redis.addr for a cluster, and redis:// for a single server',
  SENTINEL: 'write redis+sentinel://host:port,…/NAME in data.redis.addr, with the name of the primary',
  NOAUTH: 'check user, password and database number in data.redis.addr, and maxclients',
};

export function adviseOnRefusal(error: unknown): string {
  const reason = classifyRefusal(error)?.reason;
  return (reason && advices[reason]) ?? 'check the log of Redis';
}

const unknownCa = /self.signed certificate|unable to (verify the first|get (local )?issuer) certificate/i;

/** The remedy for a connection that could not be opened. */
export function adviseOnConnection(
  error: Error & { code?: string },
  { addr, tls }: Pick<RedisConfig, 'addr' | 'tls'>,
): string {
  const { code = '' } = error;
  const message = messageOf(error);
  const [, kind = ''] = /^rediss?(\+\w+)?:/.exec(addr) ?? [];
  const [plain, secure] = [`redis${kind}://`, `rediss${kind}://`];
  if (unknownCa.test(message))
    return 'set data.redis.tls.ca to the file of the CA that signed its certificate';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || /does not match certificate's altnames/.test(message))
    return 'use a host name in data.redis.addr that its certificate names';
  if (/certificate (has expired|is not yet valid)/.test(message)) return 'renew the certificate of Redis';
  if (/certificate required|bad certificate|handshake failure|unknown ca/i.test(message))
    return 'set data.redis.tls.cert and data.redis.tls.key to a client certificate that Redis accepts';
  if (/wrong version number|packet length too long/i.test(message))
    return `this port does not use TLS: write ${plain} in data.redis.addr and unset data.redis.tls`;
  if (/cannot read data\.redis\.tls|PEM|key values mismatch|no start line/i.test(message))
    return 'check the files of data.redis.tls.ca, data.redis.tls.cert and data.redis.tls.key';
  if (classifyRefusal(error)?.reason === 'NOAUTH') return advices.NOAUTH as string;
  if (/No such master/.test(message)) return 'correct the name of the primary at the end of data.redis.addr';
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) return 'check the host name in data.redis.addr';
  const isPlain = !addr.startsWith('rediss') && Object.values(tls).every((file) => file === '');
  if (!isPlain && /ETIMEDOUT|timed out|no answer/.test(message))
    return `check data.redis.addr and that the server runs; ${plain} where this port does not use TLS`;
  if (isPlain && /ECONNRESET|EPIPE|closed|no answer/.test(message))
    return `check data.redis.addr and that the server runs; ${secure} where it requires TLS`;
  // With TLS 1.3 the server refuses a client only after the handshake, and may close the connection before
  // its reason is read.
  if (!isPlain && /ECONNRESET|EPIPE|closed/.test(message))
    return 'where Redis requires a client certificate set data.redis.tls.cert and data.redis.tls.key';
  return 'check data.redis.addr and that the server runs';
}
