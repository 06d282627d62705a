import { vi } from 'vitest';
import type * as Program from '../../src/cli/program.ts';
import { builtModule, builtProgram, currentBug } from './seeded-bug.ts';
import { queuesBeside } from './stores.ts';

/** One at a time: the output of a command is captured from this process's own streams. */
let lastRun: Promise<unknown> = Promise.resolve();

let program: Promise<typeof Program> | undefined;

/**
 * Runs the built program in this process, configured by `env` only: dozens of separate processes would cost
 * half a second each.
 */
export function runHere(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const run = lastRun.then(() => runAlone(args, env));
  lastRun = run.catch(() => {});
  return run;
}

async function runAlone(args: readonly string[], env: Record<string, string>) {
  program ??= import(
    currentBug() ? builtProgram().replace('main.js', 'cli/program.js') : builtModule('cli/program')
  );
  const { runCli } = await program;
  const output = { stdout: '', stderr: '' };
  const listen = (name: keyof typeof output) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      output[name] += String(chunk);
      return true;
    });
  const listeners = [listen('stdout'), listen('stderr')];
  const { env: ownEnv } = process;
  // The log would be written to the file descriptor, which is not captured.
  process.env = {
    PATH: ownEnv.PATH,
    WEIR_LOG_LEVEL: 'silent',
    WEIR_RESOURCE_SIMULATE: 'false',
    ...(env.WEIR_DATA_RABBITMQ_QUEUE ? queuesBeside(env.WEIR_DATA_RABBITMQ_QUEUE) : {}),
    ...env,
  };
  try {
    return { code: await runCli(args), ...output };
  } finally {
    process.env = ownEnv;
    for (const listener of listeners) listener.mockRestore();
  }
}
