import { fileURLToPath } from 'node:url';
import { findAnswering, showAddress } from './services/answering.mjs';
import { catalogue } from './services/catalogue.mjs';
import { findChromium } from './services/chromium.mjs';
import { findFolderOf } from './services/find.mjs';
import { canInstall, install } from './services/install.mjs';
import { ensureNewer, newerServers } from './services/newer.mjs';
import { ensurePatroni, patroni } from './services/patroni.mjs';
import { ensurePgbouncer, pgbouncer } from './services/pgbouncer.mjs';
import { fetchPromtool } from './services/promtool.mjs';
import { ensureProxies, findProxy, proxies } from './services/proxies.mjs';
import { run } from './services/run.mjs';
import { canCompose, startInstalled, startWithCompose } from './services/start.mjs';

/** Programs that the journey tests call, each with its package. */
const clients = [
  ['psql', 'postgresql-client'],
  ['redis-cli', 'redis-tools'],
  ['curl', 'curl'],
  ['git', 'git'],
];

/**
 * Returns the addresses of PostgreSQL, Redis and RabbitMQ for the tests, protoc's version or null, and
 * Chromium's program or null. Uses servers that answer; otherwise starts them with Docker Compose; otherwise
 * starts the installed programs, which root on Debian gets by apt. Throws one sentence that names what is
 * missing and how to get it.
 */
export async function ensureServices({ quiet = false } = {}) {
  const say = quiet ? () => {} : (line) => console.log(line);
  const found = {};

  const takeAnswering = async (service) => {
    const begin = performance.now();
    const { url, version, seen } = await findAnswering(service);
    if (!url) return say(`- ${service.title}: nothing answers (${seen})`);
    found[service.name] = url;
    report(say, service, { url, version }, 'answers', begin);
  };
  const isMissing = (service) => found[service.name] === undefined;
  const start = async (service, how, startIt) => {
    const begin = performance.now();
    say(`… ${service.title}: starting ${how}`);
    const started = await startIt(service);
    found[service.name] = started.url;
    report(say, service, started, `started ${how}`, begin);
  };

  const [protocVersion, foundChromium] = await Promise.all([
    findProtoc(),
    findChromium(),
    ...catalogue.map(takeAnswering),
  ]);
  let protoc = protocVersion;
  let chromium = foundChromium;

  if (catalogue.some(isMissing) && (await canCompose())) {
    for (const service of catalogue.filter(isMissing)) {
      await start(service, 'with Docker Compose', startWithCompose).catch((error) => {
        say(`- ${service.title}: ${error.message}`);
      });
    }
  }

  const packages = catalogue
    .filter((service) => isMissing(service) && !service.isInstalled())
    .map((service) => service.package);
  if (protoc === null) packages.push('protobuf-compiler', 'libprotobuf-dev');
  // A server that answers may run elsewhere, and the tests need the client programs too.
  packages.push(...clients.filter(([program]) => !findFolderOf([program])).map(([, name]) => name));
  if (packages.length > 0 && canInstall()) {
    await installPackages(say, packages);
    protoc ??= await findProtoc();
    await Promise.all(catalogue.filter(isMissing).map(takeAnswering));
  }

  // Separate from the others: where the package is missing or a snap, they must not fail with it.
  if (!chromium && canInstall()) {
    await installPackages(say, ['chromium']);
    chromium = await findChromium();
  }

  for (const service of catalogue.filter((one) => isMissing(one) && one.isInstalled())) {
    await start(service, 'locally', startInstalled);
  }

  const missing = catalogue.filter(isMissing);
  if (missing.length > 0) throw new Error(describeMissing(missing));
  const begin = performance.now();
  const skipped = await ensureNewer();
  for (const server of newerServers) {
    const lacks = skipped.includes(server);
    say(
      lacks
        ? `- ${server.title} is missing, as WEIR_TEST_ALLOW_MISSING permits: its tests are skipped`
        : `✓ ${server.title} unpacked (${formatSeconds(begin)})`,
    );
  }
  const skippedProxies = await ensureProxies();
  for (const proxy of proxies) {
    say(
      skippedProxies.includes(proxy)
        ? `- ${proxy.title} is missing, as WEIR_TEST_ALLOW_MISSING permits: its tests are skipped`
        : `✓ ${proxy.title} at ${findProxy(proxy.name)}`,
    );
  }
  for (const [server, ensure] of [
    [pgbouncer, ensurePgbouncer],
    [patroni, ensurePatroni],
  ]) {
    const isMissing = (await ensure()).length > 0;
    say(
      isMissing
        ? `- ${server.title} is missing, as WEIR_TEST_ALLOW_MISSING permits: its tests are skipped`
        : `✓ ${server.title} unpacked`,
    );
  }
  const promtool = await fetchPromtool().catch((error) => say(`- ${error.message}`));
  say(
    promtool
      ? `✓ promtool at ${promtool}`
      : '- promtool is missing (package prometheus): its tests are skipped',
  );
  say(protoc ? `✓ protoc ${protoc}` : '- protoc is missing (package protobuf-compiler): one test is skipped');
  say(
    chromium
      ? `✓ Chromium ${chromium.version} (${chromium.program})`
      : '- Chromium is missing (package chromium, or its program in WEIR_TEST_CHROMIUM): test/browser is skipped',
  );
  return { ...found, protoc, chromium: chromium?.program ?? null };
}

async function findProtoc() {
  return await run('protoc', ['--version']).then(
    (printed) => printed.trim().split(' ').at(-1),
    () => null,
  );
}

async function installPackages(say, packages) {
  const begin = performance.now();
  say(`… apt-get install ${packages.join(' ')}`);
  await install(packages).then(
    () => say(`✓ installed (${formatSeconds(begin)})`),
    (error) => say(`- ${error.message}`),
  );
}

function report(say, service, { url, version }, what, begin) {
  say(
    `✓ ${service.title} ${version ?? '(version unknown)'} ${what} at ${showAddress(url)} (${formatSeconds(begin)})`,
  );
}

function formatSeconds(begin) {
  return `${((performance.now() - begin) / 1000).toFixed(2)} s`;
}

function describeMissing(services) {
  const wanted = services.map(({ title, oldest }) => `${title} >= ${oldest}`).join(', ');
  const packages = services.map((service) => service.package).join(' ');
  const variables = services.map((service) => service.variable).join(', ');
  return `The tests need ${wanted}: start Docker, or install ${packages}, or name running servers in ${variables}.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ensureServices().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
