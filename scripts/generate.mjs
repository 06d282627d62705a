// Generates src/wire/weir/v1/event_pb.ts from proto/ with the pinned compiler and plugin.
// `--check` generates into a temporary folder and fails when the committed file differs.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const generated = 'weir/v1/event_pb.ts';
const committed = join(root, 'src/wire', generated);

const out = mkdtempSync(join(tmpdir(), 'weir-generate-'));
try {
  const template = JSON.stringify({
    version: 'v2',
    plugins: [
      {
        local: join(root, 'node_modules/.bin/protoc-gen-es'),
        out,
        opt: ['target=ts', 'import_extension=ts'],
      },
    ],
  });
  execFileSync(join(root, 'node_modules/.bin/buf'), ['generate', 'proto', '--template', template], {
    cwd: root,
    stdio: 'inherit',
  });
  const fresh = readFileSync(join(out, generated), 'utf8');
  if (process.argv.includes('--check')) {
    if (fresh !== readFileSync(committed, 'utf8')) {
      console.error('src/wire differs from proto/: run `npm run generate` and commit the result.');
      process.exitCode = 1;
    }
  } else {
    cpSync(join(out, generated), committed, { recursive: true });
    console.log(`wrote ${committed}`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
