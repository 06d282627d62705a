import { CannotRun } from '../options.ts';
import { formatHtml } from '../report/html.ts';
import { formatText } from '../report/text.ts';
import { runVerification } from '../run.ts';
import { confirmTarget } from './confirm-target.ts';
import { help } from './help.ts';
import { readOptions } from './read-options.ts';

export const exitCodes = { holds: 0, violated: 1, couldNotRun: 2 } as const;

export interface Outlets {
  print: (text: string) => void;
  warn: (text: string) => void;
  write: (file: string, text: string) => void;
  /** Progress is one line that is written over. */
  isTerminal: boolean;
  signal: AbortSignal;
}

export async function runCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { print, warn, write, isTerminal, signal }: Outlets,
): Promise<number> {
  try {
    const { json, html, isConfirmed, isHelp, ...options } = readOptions(args, env);
    if (isHelp) {
      print(help);
      return exitCodes.holds;
    }
    await confirmTarget(options, isConfirmed);
    const onProgress = isTerminal ? (line: string) => warn(`\r${line.padEnd(78)}`) : undefined;
    const verdict = await runVerification({ ...options, signal, onProgress });
    onProgress?.('');
    if (isTerminal) warn('\r');
    print(formatText(verdict));
    if (json !== undefined) write(json, `${JSON.stringify(verdict, null, 2)}\n`);
    if (html !== undefined) write(html, formatHtml(verdict));
    return verdict.holds ? exitCodes.holds : exitCodes.violated;
  } catch (error) {
    const { message, stack } = error as Error;
    // Anything but CannotRun is a mistake of this program, so its place matters.
    warn(`weir-verify: ${error instanceof CannotRun ? message : stack}\n`);
    return exitCodes.couldNotRun;
  }
}
