import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { GiveUp, pollUntil } from './poll-until.ts';
import { killGroup } from './process-tree.ts';

export interface Printed {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Background extends AsyncDisposable {
  /** Everything printed so far. */
  output: Printed;
  /** Sends Ctrl-C to it and all its descendants; resolves when the last of them has ended. */
  interrupt(): Promise<void>;
}

/** Types commands into a shell in one folder, with one environment. */
export class Shell {
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  /** Runs a command to its end. @throws when it does not end within a minute */
  async run(command: string): Promise<Printed> {
    const { child, output } = this.#spawn(command);
    const limit = setTimeout(() => killGroup(child.pid ?? 0), 60_000);
    await once(child, 'close');
    clearTimeout(limit);
    if (child.signalCode) throw new Error(`\`${command}\` did not end: ${output.stdout}${output.stderr}`);
    return { ...output, code: child.exitCode };
  }

  /** Starts a command that keeps running, and waits for a line that shows that it is ready. */
  async start(command: string, ready: RegExp): Promise<Background> {
    const { child, output } = this.#spawn(command);
    let hasEnded = false;
    child.once('close', () => {
      hasEnded = true;
    });
    const end = async (signal: NodeJS.Signals) => {
      if (hasEnded) return;
      process.kill(-(child.pid ?? 0), signal);
      await pollUntil(`\`${command}\` should end after ${signal}`, 30_000, async () => {
        if (!hasEnded) throw new Error(output.stdout + output.stderr);
      });
    };
    const background = {
      output,
      interrupt: () => end('SIGINT'),
      [Symbol.asyncDispose]: () => end('SIGKILL'),
    };
    await pollUntil(`\`${command}\` should print ${ready}`, 60_000, async () => {
      const seen = output.stdout + output.stderr;
      if (ready.test(seen)) return;
      if (child.exitCode !== null) throw new GiveUp(`\`${command}\` ended with ${child.exitCode}: ${seen}`);
      throw new Error(seen);
    }).catch(async (error: unknown) => {
      await end('SIGKILL');
      throw error;
    });
    return background;
  }

  #spawn(command: string): { child: ChildProcess; output: Printed } {
    const output: Printed = { code: null, stdout: '', stderr: '' };
    const child = spawn('sh', ['-c', command], {
      cwd: this.#folder,
      env: this.#env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.on('data', (chunk) => {
      output.stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      output.stderr += chunk;
    });
    return { child, output };
  }
}
