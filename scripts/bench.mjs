// Installs and builds what the bench needs, then runs it: `npm run bench -- --help`.
import { readFileSync } from 'node:fs';
import { runOwnPackage } from './own-package.mjs';

const args = process.argv.slice(2);

if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(readFileSync(new URL('../bench/HELP.txt', import.meta.url), 'utf8'));
} else {
  process.exitCode = await runOwnPackage({
    ...{ name: 'bench', entry: 'dist/bench/src/main.js', args },
    needsWeir: true,
  });
}
