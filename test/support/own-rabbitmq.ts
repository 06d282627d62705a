import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { askRabbitmq } from '../../scripts/services/ask.mjs';
import { findFolderOf, findFreePort } from '../../scripts/services/find.mjs';
import type { Unpacked } from '../../scripts/services/newer.mjs';
import { prepareRabbitmq } from '../../scripts/services/prepare.mjs';
import { needNewer } from './newer.ts';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';

export interface OwnRabbitmqOptions {
  /** Lines of rabbitmq.conf, such as `consumer_timeout: '1000'`; they override the defaults. */
  config?: Record<string, string>;
  /** 4 is RabbitMQ 4.0; without it the installed version, 3.10 or newer. */
  version?: 4;
  /** Such as `rabbitmq_management`. */
  plugins?: readonly string[];
}

export interface OwnRabbitmq extends OwnServer {
  /**
   * Runs rabbitmqctl against this node, about a second per call: `ctl('set_vm_memory_high_watermark', '0')`
   * blocks it.
   */
  ctl(...args: string[]): Promise<string>;
}

/**
 * User and password are guest. A quorum queue declared just before kill() can come back without a leader and
 * answer no client (seen with 3.10.8; after 3 s it survives): declare it early.
 */
export async function startOwnRabbitmq(options: OwnRabbitmqOptions = {}): Promise<OwnRabbitmq> {
  const folder = createFolder('rabbitmq');
  const [port, distributionPort, epmdPort] = [
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
  ];
  const unpacked = options.version === 4 ? needNewer('rabbitmq4') : undefined;
  const launch = await prepareRabbitmq({
    folder,
    port,
    distributionPort,
    epmdPort,
    ...(unpacked && { unpacked }),
    plugins: options.plugins ?? [],
    config: options.config ?? {},
  });
  const server = await startOwnServer({
    title: 'RabbitMQ',
    folder,
    port,
    launch: { ...launch, ...startWithOwnEpmd(launch.program, epmdPort, unpacked) },
    ask: askRabbitmq,
    stopSignal: 'SIGTERM',
  });
  const ctl = async (...args: string[]) => {
    const { program, args: node } = launch.control;
    const { stdout } = await promisify(execFile)(program, [...node, '--quiet', ...args], {
      ...launch.options,
      timeout: 60_000,
    });
    return stdout.trim();
  };
  return { ...server, ctl };
}

/**
 * Erlang's name server would outlive the test as a daemon: in the foreground it belongs to this process
 * group.
 */
function startWithOwnEpmd(
  program: string,
  epmdPort: number,
  unpacked?: Unpacked,
): { program: string; args: string[] } {
  const folder = findFolderOf(['epmd'], unpacked ? [join(unpacked.root, 'usr/bin')] : []);
  if (!folder) throw new Error('epmd not found: put the bin folder of Erlang on PATH.');
  const script = '"$0" -port "$1" -address 127.0.0.1 & exec "$2"';
  return { program: '/bin/sh', args: ['-c', script, `${folder}/epmd`, String(epmdPort), program] };
}
