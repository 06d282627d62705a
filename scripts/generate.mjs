// Generates test/wire and verify/src/wire from proto/ with the pinned compiler and plugin.
// `--check` generates into a temporary folder and fails when the committed file differs.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const generated = ['weir/v1/event_pb.ts', 'weir/v1/order_refund_pb.ts'];
/** The checker imports nothing from the tests, and neither imports src/. */
const folders = ['test/wire', 'verify/src/wire'];

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
  for (const [folder, file] of folders.flatMap((each) => generated.map((name) => [each, name]))) {
    const committed = join(root, folder, file);
    const fresh = readFileSync(join(out, file), 'utf8');
    if (!process.argv.includes('--check')) {
      cpSync(join(out, file), committed, { recursive: true });
      console.log(`wrote ${committed}`);
    } else if (!existsSync(committed) || fresh !== readFileSync(committed, 'utf8')) {
      console.error(`${folder}/${file} differs from proto/: run \`npm run generate\` and commit the result.`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
