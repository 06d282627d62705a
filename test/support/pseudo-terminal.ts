import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface Terminal {
  child: ChildProcess;
  /** Everything written to the terminal so far. */
  output: string;
  /** Resolves with the exit code when the program has ended and all its output has arrived. */
  ended: Promise<number | null>;
}

/** Runs a program on a terminal of its own (`script` of util-linux); it ends with the test. */
export function openTerminal(
  command: readonly string[],
  env: Record<string, string>,
  { columns, rows }: TerminalSize = { columns: 80, rows: 24 },
): Terminal {
  const line = `stty cols ${columns} rows ${rows}; exec ${command.map(quote).join(' ')}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const terminal: Terminal = { child, output: '', ended };
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    terminal.output += chunk;
  });
  return terminal;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
