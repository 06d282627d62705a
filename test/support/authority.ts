import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Certificate {
  cert: string;
  key: string;
}

export interface Authority {
  /** Its own certificate, given to those who must trust it. */
  ca: string;
  /** `name`: of the host or the client; 127.0.0.1 is in every certificate. */
  sign(name: string): Certificate;
  /** Server programs that run as another user cannot read root's keys. */
  giveTo(owner: { uid: number; gid: number } | undefined, certificate: Certificate): void;
}

/** A private certificate authority in a folder of the test. */
export function createAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'weir-ca-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  execFileSync('chmod', ['755', folder]);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=Weir test CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  return {
    ca: join(folder, 'ca.pem'),
    sign(name) {
      writeFileSync(join(folder, 'san.txt'), `subjectAltName=IP:127.0.0.1,DNS:localhost\n`);
      openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      openssl(
        ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
        ...['-days', '2', '-extfile', 'san.txt', '-out', `${name}.pem`],
      );
      return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
    },
    giveTo(owner, { cert, key }) {
      if (owner) for (const file of [cert, key]) chownSync(file, owner.uid, owner.gid);
    },
  };
}
