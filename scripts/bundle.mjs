// dist/modules → dist/main.js and dist/chunks. Node resolves, reads and links each module separately, and
// Weir and typebox have a thousand of them, which takes a third of the start time. Other packages are not
// bundled, so that instrumentation can wrap them at run time. docs/decisions/0019 has the figures.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

rmSync(`${dist}/chunks`, { recursive: true, force: true });
const bundle = await rolldown({
  input: `${dist}/modules/main.js`,
  platform: 'node',
  external: (id) => /^[a-z@]/.test(id) && !/^typebox(\/|$)/.test(id),
});
await bundle.write({
  dir: dist,
  entryFileNames: 'main.js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  format: 'esm',
  sourcemap: true,
});
await bundle.close();
