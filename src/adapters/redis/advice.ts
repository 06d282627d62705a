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

const unknownCa = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** The remedy for a connection that could not be opened. */
export function adviseOnConnection(error: Error & { code?: string }, addr: string): string {
  const { code = '', message } = error;
  if (unknownCa.has(code)) return 'set data.redis.tls.ca to the file of the CA that signed its certificate';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'use a host name in data.redis.addr that its certificate names';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'renew the certificate of Redis';
  if (/certificate required|bad certificate|handshake failure|unknown ca/i.test(message))
    return 'set data.redis.tls.cert and data.redis.tls.key to a client certificate that Redis accepts';
  if (/wrong version number|packet length too long/i.test(message))
    return 'this port does not use TLS: write redis:// in data.redis.addr and unset data.redis.tls';
  if (/cannot read data\.redis\.tls|PEM|key values mismatch|no start line/i.test(message))
    return 'check the files of data.redis.tls.ca, data.redis.tls.cert and data.redis.tls.key';
  if (classifyRefusal(error)?.reason === 'NOAUTH') return advices.NOAUTH as string;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'check the host name in data.redis.addr';
  const isPlain = !addr.startsWith('rediss:');
  if (!isPlain && code === 'ETIMEDOUT')
    return 'check data.redis.addr and that the server runs; redis:// where this port does not use TLS';
  if (isPlain && (code === 'ECONNRESET' || /closed|no answer/.test(message)))
    return 'check data.redis.addr and that the server runs; rediss:// where it requires TLS';
  // With TLS 1.3 the server refuses a client only after the handshake, and may close the connection before
  // its reason is read.
  if (!isPlain && /ECONNRESET|EPIPE|closed/.test(message))
    return 'where Redis requires a client certificate set data.redis.tls.cert and data.redis.tls.key';
  return 'check data.redis.addr and that the server runs';
}
