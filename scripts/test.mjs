// npm test: install, build, find or start the servers, check, run every test. Arguments after `--` are passed
// to vitest.
import { build, installIfNeeded, run } from './install.mjs';

installIfNeeded();
build();
// Without these variables the run starts its own servers in memory (test/support/global-setup.ts), if their
// programs are installed.
const { WEIR_TEST_POSTGRES, WEIR_TEST_REDIS } = process.env;
const { ensureServices } = await import('./services.mjs');
const { findFolderOf, findPostgresFolder } = await import('./services/find.mjs');
let services;
try {
  services = await ensureServices();
} catch (error) {
  console.error(`weir: ${error.message}`);
  process.exit(1);
}
const selected = process.argv.slice(2);
if (selected.length === 0) run('checking style and types', 'npm', ['run', '--silent', 'check']);
run('running the tests', 'npx', ['vitest', 'run', ...selected], {
  WEIR_TEST_POSTGRES: WEIR_TEST_POSTGRES ?? (findPostgresFolder() ? '' : services.postgres),
  WEIR_TEST_REDIS: WEIR_TEST_REDIS ?? (findFolderOf(['redis-server']) ? '' : services.redis),
  WEIR_TEST_RABBITMQ: services.rabbitmq,
  ...(services.chromium ? { WEIR_TEST_CHROMIUM: services.chromium } : {}),
});
