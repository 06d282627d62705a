import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, ensureUnpacked } from './unpack.mjs';

export const patroni = { name: 'patroni', title: 'Patroni' };

/** Patroni 3.0.2, the version with which the test was written. */
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
