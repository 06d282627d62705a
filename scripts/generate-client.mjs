// Generates clients/typescript/src/schema.ts from /openapi.json of the built program: `npm run generate:client`. The first line
// holds the hash of that description, by which a test notices that the file is older than the API.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashOfDescription } from './hash-of-description.mjs';
import { installPackage, runProgram } from './own-package.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'clients/typescript');
const schema = join(folder, 'src/schema.ts');

process.exitCode = await installPackage(folder);
if (process.exitCode === 0) await generate();

async function generate() {
  const scratch = mkdtempSync(join(tmpdir(), 'weir-client-'));
  try {
    const description = await readDescription(scratch);
    const source = join(scratch, 'openapi.json');
    writeFileSync(source, JSON.stringify(description));
    const generator = join(folder, 'node_modules/openapi-typescript/bin/cli.js');
    const code = await runProgram(process.execPath, [generator, source, '--output', schema], folder);
    if (code !== 0) throw new Error(`openapi-typescript ended with ${code}`);
    writeFileSync(
      schema,
      `// openapi.json ${hashOfDescription(description)}\n${readFileSync(schema, 'utf8')}`,
    );
    console.log(`wrote ${schema}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Starts Weir on embedded stores, without the routes of the demo catalogue. */
async function readDescription(scratch) {
  const weir = spawn(process.execPath, [join(root, 'dist/main.js'), 'start'], {
    cwd: scratch,
    env: {
      ...process.env,
      WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
      WEIR_DEMO_ENABLED: 'false',
      WEIR_LOG_FORMAT: 'json',
    },
    // The log is written to stderr. A Weir that does not start must not keep this waiting.
    timeout: 60_000,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    let printed = '';
    for await (const chunk of weir.stderr) {
      printed += chunk;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
      if (url) return await (await fetch(`${url}/openapi.json`)).json();
    }
    throw new Error(`Weir ended before it answered: ${printed}`);
  } finally {
    weir.kill();
  }
}
