import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cache, ensureUnpacked, suite } from './unpack.mjs';

/**
 * The servers that tests use in addition to the installed ones, with their names in WEIR_TEST_ALLOW_MISSING.
 */
export const newerServers = [
  { name: 'rabbitmq4', title: 'RabbitMQ 4', folder: 'usr/lib/rabbitmq/bin', program: 'rabbitmq-server' },
  { name: 'valkey', title: 'Valkey 8', folder: 'usr/bin', program: 'valkey-server' },
];

const root = join(cache, suite);

/** The folder of unpacked packages that contains this server, or undefined. */
export function findNewer(name) {
  const server = newerServers.find((one) => one.name === name);
  if (!server)
    throw new Error(`there is no server ${name}: use ${newerServers.map((one) => one.name).join(', ')}`);
  const folder = join(root, server.folder);
  return existsSync(join(folder, server.program))
    ? { root, folder, program: join(folder, server.program) }
    : undefined;
}

/** Finds or fetches all of them. @throws one sentence when a required one is missing */
export function ensureNewer() {
  return ensureUnpacked({
    servers: newerServers,
    find: findNewer,
    packages: ['rabbitmq-server', 'valkey-server'],
    // The servers, their Erlang, and every library of their own suite; not what Debian adds for scripts and services.
    keeps: (name) => /^(rabbitmq-|erlang-|valkey-|zlib|lib(?!python|perl))/.test(name),
    root,
  });
}
