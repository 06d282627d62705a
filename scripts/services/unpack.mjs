import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';
import { wrapPrograms } from './wrap.mjs';

/** The Debian suite that carries most servers. Its packages are unpacked, never installed. */
export const suite = 'trixie';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Outside the checkout, so that a fresh clone finds what was unpacked. */
export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weir');

/** The servers that a run may lack: `WEIR_TEST_ALLOW_MISSING=rabbitmq4,valkey`. */
export function mayMiss(name) {
  return (process.env.WEIR_TEST_ALLOW_MISSING ?? '').split(',').some((one) => one.trim() === name);
}

/**
 * Finds all of `servers`, or unpacks `packages` of `from` and those dependencies that `keeps` names into
 * `root`.
 *
 * @returns the optional ones that are missing
 * @throws one sentence when a required one is missing
 */
export async function ensureUnpacked({ servers, find, from = suite, ...fetched }) {
  const lacking = () => servers.filter(({ name }) => !find(name));
  let cause = 'the packages do not hold it';
  if (lacking().some(({ name }) => !mayMiss(name))) {
    await fetchPackages({ from, ...fetched }).catch((error) => {
      cause = error.message;
    });
  }
  const missing = lacking().filter(({ name }) => !mayMiss(name));
  if (missing.length === 0) return lacking();
  const titles = missing.map(({ title }) => title).join(' and ');
  const names = missing.map(({ name }) => name).join(',');
  throw new Error(
    `cannot get ${titles} from Debian ${from}: ${cause} (set WEIR_TEST_ALLOW_MISSING=${names} to skip their tests)`,
  );
}

/**
 * Uses a state folder of its own: apt's lists and the installed packages do not change, and no root is
 * needed.
 */
async function fetchPackages({ from, packages, keeps, root }) {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, `${from}-`));
  // apt run by root downloads as another user, which must be able to write here.
  chmodSync(work, 0o777);
  try {
    const apt = await openApt(work, from);
    await apt(['update']);
    const debs = join(work, 'debs');
    mkdirSync(debs);
    chmodSync(debs, 0o777);
    await apt(['download', ...(await resolvePackages(apt, packages)).filter(keeps)], debs);
    const unpacked = join(work, 'root');
    for (const deb of readdirSync(debs))
      await run('dpkg-deb', ['--extract', join(debs, deb), unpacked], { timeoutMs: 60_000 });
    await wrapPrograms(unpacked, root);
    rmSync(root, { recursive: true, force: true });
    renameSync(unpacked, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function openApt(work, from) {
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(work, 'status'), '');
  writeFileSync(
    join(work, 'sources.list'),
    `deb [signed-by=${keyring}] ${await findMirror()} ${from} main\n`,
  );
  const options = Object.entries({
    'Dir::State': work,
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'APT::Update::Error-Mode': 'any',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return (args, cwd) => run('apt-get', [...options, ...args], { cwd, timeoutMs: 300_000 });
}

/** The mirror of this system's own suite; every Debian mirror carries all suites. */
async function findMirror() {
  const { VERSION_CODENAME: own } = readOsRelease();
  const format = '$(RELEASE) $(COMPONENT) $(REPO_URI)';
  const targets = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const mirror = targets
    .split('\n')
    .map((line) => line.split(' '))
    .find(([release, component]) => release === own && component === 'main');
  if (!mirror) throw new Error(`apt knows no mirror of Debian ${own}`);
  return mirror[2];
}

function readOsRelease() {
  const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
  return Object.fromEntries(lines.map((line) => line.replaceAll('"', '').split('=')));
}

/** The packages and all their dependencies; the caller keeps those that the programs load. */
async function resolvePackages(apt, packages) {
  const install = ['install', '--yes', '--no-install-recommends', '--simulate', ...packages];
  return [...(await apt(install)).matchAll(/^Inst (\S+) /gm)].map(([, name]) => name);
}
