import { once } from 'node:events';
import { escapeHidden } from '../../lib/escape-hidden.ts';
import { showControlCharacters } from '../../lib/show-control-characters.ts';
import { drawText, type Text } from './text.ts';

// Everything that a command prints passes through here: foreign text, such as the reason of a result, could
// otherwise move the cursor and forge lines. Only the live screen of `weir top` (live-screen.ts) writes
// directly.

/** The reader of standard output has closed it, as `head` does: the command ends without a message. */
export class OutputClosed extends Error {}

/**
 * Otherwise the next write after the reader has closed the stream would end the program with a stack trace.
 */
export function ignoreClosedReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Prints one line. */
export function printLine(...texts: readonly Text[]): void {
  process.stdout.write(drawLine(process.stdout, texts));
}

/** Prints one line to standard error. */
export function printNotice(...texts: readonly Text[]): void {
  process.stderr.write(drawLine(process.stderr, texts));
}

/** Prints trusted text of several lines, such as help. */
export function printText(text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
  process[stream].write(showControlCharacters(text, { keepLines: true }));
}

/** Replaces the last line of standard error on a terminal. */
export function printProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${showControlCharacters(text)}`);
}

export function printJson(value: unknown): void {
  process.stdout.write(
    `${escapeHidden(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined))}\n`,
  );
}

/** Prints one document per line, for long output: waits while the reader is slow. @throws OutputClosed */
export async function printJsonLines(values: readonly unknown[]): Promise<void> {
  if (process.stdout.errored) throw new OutputClosed();
  if (process.stdout.write(values.map((value) => `${escapeHidden(JSON.stringify(value))}\n`).join('')))
    return;
  await drained();
}

async function drained(): Promise<void> {
  await once(process.stdout, 'drain').catch((cause) => {
    throw new OutputClosed(undefined, { cause });
  });
}

/** A part of a file as it is; a terminal shows its control characters. */
export async function printExport(text: string): Promise<void> {
  const shown = process.stdout.isTTY ? showControlCharacters(text, { keepLines: true }) : text;
  if (!process.stdout.write(shown)) await drained();
}

export function hasColors(stream: NodeJS.WriteStream): boolean {
  // Undefined when the stream is a file or a pipe. Respects NO_COLOR, FORCE_COLOR and TERM.
  return stream.hasColors?.() ?? false;
}

function drawLine(stream: NodeJS.WriteStream, texts: readonly Text[]): string {
  return `${texts.map((text) => drawText(text, hasColors(stream))).join('')}\n`;
}
