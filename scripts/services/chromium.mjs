import { join } from 'node:path';
import { findFolderOf } from './find.mjs';
import { run } from './run.mjs';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** A browser for the tests of the page: its program and version; undefined when none runs. */
export async function findChromium() {
  const installed = names.flatMap((name) => {
    const folder = findFolderOf([name]);
    return folder === undefined ? [] : [join(folder, name)];
  });
  for (const program of [process.env.WEIR_TEST_CHROMIUM, ...installed].filter(Boolean)) {
    const printed = await run(program, ['--version']).catch(() => undefined);
    // When it is a snap, the name exists and the program does not.
    const version = printed && /\d+(\.\d+)+/.exec(printed)?.[0];
    if (version) return { program, version };
  }
  return undefined;
}
