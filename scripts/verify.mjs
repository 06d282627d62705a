// Installs and builds the checker, then runs it: `npm run verify -- --help`. Weir itself is not built: it may run anywhere.
import { runOwnPackage } from './own-package.mjs';

const args = process.argv.slice(2);
process.exitCode = await runOwnPackage({ name: 'verify', entry: 'dist/main.js', args, needsWeir: false });
