// Installs, builds and runs a package of its own inside this repository, with the compiler of the main one.
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');

/**
 * @param name its folder below the root
 * @param entry what is run, below its folder
 * @param needsWeir the main package is built first
 * @returns the exit code
 */
export async function runOwnPackage({ name, entry, args, needsWeir }) {
  const folder = join(root, name);
  if (!existsSync(tsc)) {
    console.error('installing what the build needs ...');
    const code = await runProgram('npm', ['ci', '--no-audit', '--no-fund'], root);
    if (code !== 0) return code;
  }
  const installed = await installPackage(folder);
  if (installed !== 0) return installed;
  console.error('building ...');
  const built =
    (needsWeir && (await runProgram('npm', ['run', '--silent', 'build'], root))) ||
    (await runProgram(process.execPath, [tsc, '-p', 'tsconfig.json'], folder));
  if (built !== 0) return built;
  return runProgram(process.execPath, [join(folder, entry), ...args], process.cwd(), 'inherit');
}

/**
 * Installs what the package in this folder needs, unless it is there.
 * @returns the exit code
 */
export async function installPackage(folder) {
  if (isInstalled(folder)) return 0;
  console.error(`installing what ${relative(root, folder)} needs ...`);
  // No package of these needs its install script, and one would report the installation to its makers.
  return runProgram('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
}

// The installer writes this file; an older one than the lock file means that it must run again.
function isInstalled(folder) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  return (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
  );
}

// Ctrl-C reaches the child as well, which has to clean up: this process only waits for it. Installing and
// building print to stderr, because stdout belongs to the program.
export function runProgram(file, fileArgs, cwd, stdout = 2) {
  const wait = () => {};
  process.on('SIGINT', wait);
  const child = spawn(file, fileArgs, { cwd, stdio: ['inherit', stdout, 'inherit'] });
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
