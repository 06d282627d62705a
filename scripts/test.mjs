// npm test: install, build, find or start the servers, check, run every test. Arguments after `--` go to vitest.
import { build, installIfNeeded, run } from './install.mjs';

installIfNeeded();
build();
const { ensureServices } = await import('./services.mjs');
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
  WEIR_TEST_POSTGRES: services.postgres,
  WEIR_TEST_REDIS: services.redis,
  WEIR_TEST_RABBITMQ: services.rabbitmq,
  ...(services.chromium ? { WEIR_TEST_CHROMIUM: services.chromium } : {}),
});
