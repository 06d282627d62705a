// npm start: install, build, run. Arguments after `--` are passed to the program: npm start -- -conf
// configs/config.yaml
import { existsSync, readdirSync, statSync } from 'node:fs';
import { build, installIfNeeded, root } from './install.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`weir needs Node 20.19 or newer, this is ${process.versions.node}`);
  process.exit(1);
}
installIfNeeded();
if (!isBuilt()) build();
process.argv.splice(1, 1, `${root}dist/main.js`);
await import('../dist/main.js');

/** Whether dist/ is newer than every source. */
function isBuilt() {
  const main = `${root}dist/main.js`;
  if (!existsSync(main)) return false;
  const builtAt = statSync(main).mtimeMs;
  return readdirSync(`${root}src`, { recursive: true }).every(
    (file) => statSync(`${root}src/${file}`).mtimeMs <= builtAt,
  );
}
