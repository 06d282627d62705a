import { type App, startApp } from '../../app/start.ts';
import { wantsDemo } from '../../app/stores.ts';
import { type Config, readConfig } from '../../config/config.ts';
import { createTelemetry } from '../../ops/telemetry/telemetry.ts';
import { exitCodes } from '../exit-codes.ts';
import { printLine, printNotice } from '../output/output.ts';

interface StartOptions {
  config?: string;
  roles?: string;
}

/**
 * Runs until a signal ends it. The first SIGINT or SIGTERM drains and stops in order; a second one stops
 * immediately. Ctrl-C on a terminal does not drain: no balancer is in front, and the user waits for the
 * prompt.
 */
export async function runStart(options: StartOptions): Promise<number> {
  const { config, warnings } = readConfig(options.config, process.env, { 'server.roles': options.roles });
  const telemetry = createTelemetry(config);
  for (const warning of warnings) telemetry.emit({ type: 'warned', warning });

  const app = await startApp(config, telemetry);
  const signalled = nextSignal();
  let drains = false;
  try {
    await Promise.race([app.ready, signalled]);
    greet(app, config);
    const signal = await signalled;
    drains = signal === 'SIGTERM' || !process.stdin.isTTY;
    telemetry.emit({ type: 'stopping', signal });
    process.once('SIGINT', forceExit).once('SIGTERM', forceExit);
  } finally {
    await app.stop({ drains });
  }
  return exitCodes.ok;
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}

function forceExit(): never {
  printNotice('weir: ended at once by a second signal');
  process.exit(exitCodes.failed);
}

function greet({ url }: App, config: Config): void {
  if (!process.stdout.isTTY && !wantsDemo(config)) return;
  printLine('Weir listens on ', { style: 'bold', text: url });
  if (!wantsDemo(config) || !config.server.roles.includes('http')) return;
  printLine('Open that page and buy something, or pay the demo order from another terminal:');
  printLine({ style: 'cyan', text: `  curl -X POST ${url}/v1/orders/123/paid` });
  printLine('Ctrl-C stops it.');
}
