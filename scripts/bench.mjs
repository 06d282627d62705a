// Installs and builds what the bench needs, then runs it: `npm run bench -- --help`.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bench = join(root, 'bench');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const args = process.argv.slice(2);

if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(readFileSync(join(bench, 'HELP.txt'), 'utf8'));
} else {
  process.exitCode = await run();
}

async function run() {
  if (!existsSync(tsc)) {
    console.error('installing what the build needs ...');
    const code = await runProgram('npm', ['ci'], root);
    if (code !== 0) return code;
  }
  if (!isInstalled(bench)) {
    console.error('installing what the bench needs ...');
    // No package of the bench needs its install script, and one would report the installation to its makers.
    const code = await runProgram('npm', ['ci', '--ignore-scripts'], bench);
    if (code !== 0) return code;
  }
  console.error('building ...');
  const built =
    (await runProgram('npm', ['run', '--silent', 'build'], root)) ||
    (await runProgram(process.execPath, [tsc, '-p', 'tsconfig.json'], bench));
  if (built !== 0) return built;
  return runProgram(process.execPath, [join(bench, 'dist/bench/src/main.js'), ...args], process.cwd());
}

// The installer notes what it did in this file; a newer lock means: not that any more.
function isInstalled(folder) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  return (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
  );
}

// Ctrl-C reaches the child as well, and it has to tidy up: this process only waits for it.
function runProgram(file, fileArgs, cwd) {
  const wait = () => {};
  process.on('SIGINT', wait);
  const child = spawn(file, fileArgs, { cwd, stdio: 'inherit' });
  const forward = () => child.kill('SIGTERM');
  process.on('SIGTERM', forward);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      process.off('SIGINT', wait);
      process.off('SIGTERM', forward);
      resolve(code ?? 1);
    });
  });
}
