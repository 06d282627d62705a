// The operator page: src/dashboard → dist/dashboard, and the guide. Each view is a bundle of its own. All
// files but the two HTML files are in a folder named after their content, so that a browser can cache them
// for good and never mixes two versions; each has a compressed copy next to it. docs/decisions/0024 has the
// figures.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { guidePages, renderGuide } from './guide.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src/dashboard');
const target = join(root, 'dist/dashboard');
const files = join(target, 'files');

rmSync(target, { recursive: true, force: true });
mkdirSync(files, { recursive: true });
const outputs = await bundleScripts();
const styles = join(source, 'styles');
const sheets = ['base', 'shell', 'parts', 'tables', 'forms', 'charts', 'views', 'narrow'];
const css = sheets.map((name) => readFileSync(join(styles, `${name}.css`), 'utf8'));
css.unshift(readFileSync(join(root, 'node_modules/uplot/dist/uPlot.min.css'), 'utf8'));
writeFileSync(join(files, 'page.css'), css.join('\n'));
for (const name of ['base.css', 'guide.css', 'icon.svg']) cpSync(join(styles, name), join(files, name));

const version = createHash('sha256');
for (const file of listFiles(files)) version.update(`${file}\0`).update(readFileSync(join(files, file)));
const folder = version.digest('hex').slice(0, 12);
renameSync(files, join(target, folder));
const html = readFileSync(join(source, 'index.html'), 'utf8').replace(
  '</head>',
  `${preload(outputs)}</head>`,
);
writeFileSync(join(target, 'index.html'), html.replaceAll('"files/', `"${folder}/`));
const guide = guidePages.map((page) => readFileSync(join(root, 'docs', page), 'utf8'));
writeFileSync(join(target, 'guide.html'), renderGuide(guide, folder));

for (const file of listFiles(target)) {
  const bytes = readFileSync(join(target, file));
  const params = { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };
  writeFileSync(join(target, `${file}.br`), brotliCompressSync(bytes, { params }));
  writeFileSync(join(target, `${file}.gz`), gzipSync(bytes, { level: 9 }));
}

/** @returns the files that were written */
async function bundleScripts() {
  const bundle = await rolldown({
    // Required by codeSplitting.includeDependenciesRecursively.
    preserveEntrySignatures: 'allow-extension',
    input: { main: join(source, 'main.tsx') },
    platform: 'browser',
    tsconfig: join(source, 'tsconfig.json'),
  });
  const { output } = await bundle.write({
    dir: files,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    minify: true,
    codeSplitting: {
      // Otherwise whatever a chart imports, such as the words, would be bundled with it.
      includeDependenciesRecursively: false,
      groups: [
        { name: 'charts', test: /uplot|parts\/chart/, priority: 2 },
        { name: 'main', test: /node_modules|dashboard\/(?!views\/(?!login))|src\/lib/, priority: 1 },
      ],
    },
  });
  await bundle.close();
  return output.filter(({ type }) => type === 'chunk');
}

/**
 * Preloads what the first script needs immediately, then the views, at lower priority than the files of the
 * shown view.
 */
function preload(chunks) {
  const main = chunks.find(({ isEntry }) => isEntry);
  const link = (name, more = '') => `  <link rel="modulepreload" href="files/${name}"${more}>\n`;
  const views = chunks
    .map(({ fileName }) => fileName)
    .filter((name) => name !== main.fileName && !main.imports.includes(name));
  return [
    ...main.imports.map((name) => link(name)),
    ...views.sort().map((name) => link(name, ' fetchpriority="low"')),
  ].join('');
}

function listFiles(where) {
  return readdirSync(where, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(where.length + 1))
    .sort();
}
