// The operator page: src/dashboard → dist/dashboard, and the guide. Everything but these two lies in a folder named after its content, so
// that a browser may keep it for ever and never mixes two versions; beside each file lies the same, compressed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { guidePages, renderGuide } from './guide.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src/dashboard');
const target = join(root, 'dist/dashboard');
const files = join(target, 'files');

rmSync(target, { recursive: true, force: true });
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', source], {
  stdio: 'inherit',
});
// The shapes are types to the page, and their code imports packages; the sentences are shared.
for (const file of listFiles(join(files, 'api'))) {
  if (file !== 'describe.js' && file !== 'sentences.js') rmSync(join(files, 'api', file));
}
cpSync(join(source, 'styles'), join(files, 'styles'), { recursive: true });

const version = createHash('sha256');
for (const file of listFiles(files)) version.update(`${file}\0`).update(readFileSync(join(files, file)));
const folder = version.digest('hex').slice(0, 12);
renameSync(files, join(target, folder));
const html = readFileSync(join(source, 'index.html'), 'utf8');
writeFileSync(join(target, 'index.html'), html.replaceAll('"files/', `"${folder}/`));
const guide = guidePages.map((page) => readFileSync(join(root, 'docs', page), 'utf8'));
writeFileSync(join(target, 'guide.html'), renderGuide(guide, `${folder}/styles`));

for (const file of listFiles(target)) {
  const bytes = readFileSync(join(target, file));
  const params = { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };
  writeFileSync(join(target, `${file}.br`), brotliCompressSync(bytes, { params }));
  writeFileSync(join(target, `${file}.gz`), gzipSync(bytes, { level: 9 }));
}

function listFiles(where) {
  return readdirSync(where, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(where.length + 1))
    .sort();
}
