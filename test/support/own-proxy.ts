import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProxy } from '../../scripts/services/proxies.mjs';
import { mayMiss } from '../../scripts/services/unpack.mjs';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';

export type ProxyName = 'nginx' | 'haproxy';

/** For `test.skipIf`: true only when it is missing and WEIR_TEST_ALLOW_MISSING permits that. */
export function lacksProxy(name: ProxyName): boolean {
  return findProxy(name) === undefined && mayMiss(name);
}

/** nginx with these servers in front of `http`, and defaults for everything else. */
export function startNginx(http: string, port: number): Promise<OwnServer> {
  return startProxy('nginx', port, (folder) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const config = [
      process.getuid?.() === 0 ? 'user root;' : '',
      'daemon off;',
      'worker_processes 1;',
      `pid ${folder}/nginx.pid;`,
      'events {}',
      `http { access_log off; ${temporary.map((of) => `${of}_temp_path ${folder}/${of};`).join(' ')}`,
      http,
      '}',
    ];
    return { config: config.join('\n'), args: (file) => ['-p', folder, '-e', 'stderr', '-c', file] };
  });
}

export function startHaproxy(config: string, port: number): Promise<OwnServer> {
  return startProxy('haproxy', port, () => ({ config, args: (file) => ['-db', '-f', file] }));
}

interface Setup {
  config: string;
  args: (file: string) => string[];
}

/** @param port one that the configuration listens on, where any answer means that it runs */
async function startProxy(
  name: ProxyName,
  port: number,
  setUp: (folder: string) => Setup,
): Promise<OwnServer> {
  const program = findProxy(name);
  if (!program) throw new Error(`cannot find ${name}: run \`npm run services\`, which gets it`);
  const folder = createFolder(name);
  const { config, args } = setUp(folder);
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, `${config}\n`);
  const url = `http://127.0.0.1:${port}`;
  return startOwnServer({
    title: name,
    folder,
    port,
    launch: { url, program, args: args(file), options: { cwd: folder, env: process.env } },
    ask: (address) => fetch(address),
    stopSignal: 'SIGTERM',
  });
}
