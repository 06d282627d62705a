import type { Finding } from '../../../lib/finding.ts';
import { problem, warning } from './finding.ts';

const unknownAuthority = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const adviceByCode: Readonly<Record<string, string>> = {
  '28P01': 'correct the password in data.database.source',
  '28000': 'check the user in data.database.source, and that pg_hba.conf allows it from this address',
  '3D000': 'run weir migrate, which creates it',
  '42501': 'run the grants of docs/stores.md (Roles and grants)',
  '53300': 'raise max_connections, or lower data.database.maxConnections of each process',
  '57P03': 'wait until the server has started, or point to the primary',
  CERT_HAS_EXPIRED: 'renew the certificate of PostgreSQL',
  ERR_TLS_CERT_ALTNAME_INVALID: 'use the host name of the certificate in data.database.source',
  ENOTFOUND: 'correct the host in data.database.source',
  EAI_AGAIN: 'check the name server of this machine',
};

/** @returns the meaning of a failed connection, and the setting or statement that cures it */
export function explainFailure(error: Error & { code?: string }, isMigrated: boolean): Finding {
  const { message, code = '' } = error;
  if (code === '3D000' && isMigrated) {
    const what = `${message} yet: the first start creates it`;
    return warning(what, 'run weir migrate to create it now');
  }
  return problem(message || code, adviceFor(code, message));
}

function adviceFor(code: string, message: string): string {
  if (unknownAuthority.has(code)) {
    return 'set data.database.tls.ca to the certificate of the authority that signed the certificate of PostgreSQL';
  }
  if (
    /client certificate|tlsv13 alert certificate required|certificate authentication failed/i.test(message)
  ) {
    return 'set data.database.tls.cert and data.database.tls.key to a client certificate for this user';
  }
  if (/does not support SSL/i.test(message))
    return 'turn on ssl in PostgreSQL, or remove sslmode and data.database.tls';
  if (/data\.database\.tls/.test(message)) return 'make the file readable, or correct the path';
  return adviceByCode[code] ?? 'check data.database.source and that the server runs';
}
