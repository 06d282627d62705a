import { join } from 'node:path';
import { findFolderOf } from './find.mjs';
import { cache, ensureUnpacked, suite } from './unpack.mjs';

/** What stands in front of Weir in the tests; the names are those of WEIR_TEST_ALLOW_MISSING as well. */
export const proxies = [
  { name: 'nginx', title: 'nginx' },
  { name: 'haproxy', title: 'HAProxy' },
];

/** Apart from the other servers, so that one can be fetched while tests use the other. */
const root = join(cache, `${suite}-proxies`);
const folders = ['/usr/sbin', '/usr/local/sbin', join(root, 'usr/sbin')];

/** The program: the installed one, else the unpacked one, else undefined. */
export function findProxy(name) {
  const folder = findFolderOf([name], folders);
  return folder && join(folder, name);
}

/** Finds or fetches both. @throws one sentence when one is missing that the run must have */
export function ensureProxies() {
  return ensureUnpacked({
    servers: proxies,
    find: findProxy,
    packages: ['nginx', 'haproxy'],
    keeps: (name) => /^(nginx$|haproxy$|zlib|lib(?!python|perl))/.test(name),
    root,
  });
}
