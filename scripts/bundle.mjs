// dist/modules → dist/main.js and dist/chunks: Node finds, reads and links each module by itself, and of those of Weir and of
// typebox there are a thousand, a third of the time of a start. Other packages stay what they are: whoever wraps them at
// run time, to trace them, finds them. docs/decisions/0019 has the figures.
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
