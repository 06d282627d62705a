import { join } from 'node:path';
import { findFolderOf } from './find.mjs';
import { cache, ensureUnpacked, suite } from './unpack.mjs';

/** The proxies in front of Weir in the tests, with their names in WEIR_TEST_ALLOW_MISSING. */
export const proxies = [
  { name: 'nginx', title: 'nginx' },
  { name: 'haproxy', title: 'HAProxy' },
];

/** Separate from the other servers, so that one can be fetched while tests use another. */
const root = join(cache, `${suite}-proxies`);
const folders = ['/usr/sbin', '/usr/local/sbin', join(root, 'usr/sbin')];

/** The installed program, else the unpacked one, else undefined. */
export function findProxy(name) {
  const folder = findFolderOf([name], folders);
  return folder && join(folder, name);
}

/** Finds or fetches both. @throws one sentence when a required one is missing */
export function ensureProxies() {
  return ensureUnpacked({
    servers: proxies,
    find: findProxy,
    packages: ['nginx', 'haproxy'],
    keeps: (name) => /^(nginx$|haproxy$|zlib|lib(?!python|perl))/.test(name),
    root,
  });
}
