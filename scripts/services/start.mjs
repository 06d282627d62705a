import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitForAnswer } from './answering.mjs';
import { findFreePort, findUser, isFreePort } from './find.mjs';
import { folder as home, rememberAddress } from './memory.mjs';
import { run, works } from './run.mjs';

const composeFile = fileURLToPath(new URL('../../compose.test.yaml', import.meta.url));

export async function canCompose() {
  return (await works('docker', 'compose', 'version')) && (await works('docker', 'info'));
}

export async function startWithCompose(service) {
  const port = await choosePort(service);
  const args = ['compose', '--file', composeFile, 'up', '--detach', '--wait', service.name];
  await run('docker', args, { env: { [`${service.variable}_PORT`]: String(port) }, timeoutMs: 600_000 });
  const url = service.formatUrl(port);
  const version = await waitForAnswer(service, url, { hint: ` See: docker compose -f ${composeFile} logs` });
  rememberAddress(service.name, url);
  return { url, version };
}

/** From an empty folder: existing files belonged to a server that no longer answers. */
export async function startInstalled(service) {
  const port = await choosePort(service);
  const folder = join(chooseHome(service), service.name);
  rmSync(folder, { recursive: true, force: true });
  const launch = await service.prepare({ folder, port });
  const log = join(folder, 'server.log');
  const output = openSync(log, 'a');
  const child = spawn(launch.program, launch.args, {
    ...launch.options,
    detached: true, // keeps running when this process and its terminal have ended
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  await once(child, 'spawn');
  child.unref();
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const version = await waitForAnswer(service, launch.url, { hint: ` Its log: ${log}`, hasEnded });
  rememberAddress(service.name, launch.url);
  return { url: launch.url, version };
}

async function choosePort(service) {
  return (await isFreePort(service.usualPort)) ? service.usualPort : await findFreePort();
}

/** A checkout below a closed folder such as /root is inaccessible to the user who must run the server. */
function chooseHome(service) {
  const user = findUser(service.name); // Debian's name for the user
  if (!user) return home;
  mkdirSync(home, { recursive: true });
  const reached = spawnSync('test', ['-x', home], { ...user, cwd: '/' }).status === 0;
  return reached ? home : join(tmpdir(), 'weir-test-services');
}
