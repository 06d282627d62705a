import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, ensureUnpacked } from './unpack.mjs';

export const patroni = { name: 'patroni', title: 'Patroni' };

/** Its Patroni is 3.0: newer ones keep a dead primary's lease for at least 20 s. */
const suite = 'bookworm';
const root = join(cache, `${suite}-patroni`);
const programs = {
  root,
  patroni: join(root, 'usr/bin/patroni'),
  python: join(root, 'usr/bin/python3.11'),
  etcd: join(root, 'usr/bin/etcd'),
};

/** Patroni with its Python, and etcd, or undefined. Installed ones are not used. */
export function findPatroni() {
  return existsSync(programs.patroni) ? programs : undefined;
}

/** Finds or fetches them. @throws one sentence when they are missing and required */
export function ensurePatroni() {
  return ensureUnpacked({
    servers: [patroni],
    find: findPatroni,
    from: suite,
    packages: ['patroni', 'etcd-server'],
    keeps: (name) => /^(patroni$|etcd-server$|python3|zlib|lib(?!perl|.*-perl))/.test(name),
    root,
  });
}
