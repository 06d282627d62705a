// What tsc does not carry over into dist/.
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
for (const file of ['index.html', 'page.css', 'page.js']) {
  cpSync(`${root}src/dashboard/${file}`, `${root}dist/dashboard/${file}`, { recursive: true });
}
