import { once } from 'node:events';

/** Whoever read standard output has what he wanted, as `head` does: an end without a word. */
export class ReaderGone extends Error {}

/** A reader that leaves is no error of ours. Without this the next write would end the program with a stack trace. */
export function forgiveLeavingReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** For what may be long: waits while the reader is slow. @throws ReaderGone */
export async function print(text: string): Promise<void> {
  if (process.stdout.errored) throw new ReaderGone();
  if (process.stdout.write(text)) return;
  await once(process.stdout, 'drain').catch((cause) => {
    throw new ReaderGone(undefined, { cause });
  });
}
