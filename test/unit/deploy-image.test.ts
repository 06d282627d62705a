import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const dockerfile = read('Dockerfile').replaceAll(/\\\n\s*/g, '');
const [, , , image = ''] = dockerfile.split(/^FROM /m);

test('the process in the image is not root, gets SIGTERM itself and is checked by node', () => {
  expect(image).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  expect(image).toMatch(/^STOPSIGNAL SIGTERM$/m);
  expect(image).toMatch(/^ENTRYPOINT \["node", "dist\/main\.js"\]$/m);
  expect(image).toMatch(/^HEALTHCHECK .*CMD \["node", "-e", ".*\/healthz.*"\]$/m);
});

test('the image ships what was built for production, owned by root', () => {
  expect(image.match(/^COPY .*$/gm)).toEqual(['COPY --from=production /weir ./']);
  expect(dockerfile).toMatch(/npm ci --omit=dev/);
});

test('the program needs no package that the image removes', () => {
  const removed = [...dockerfile.matchAll(/node_modules\/(\w+)(?= |$)/gm)].map(([, name]) => name);
  expect(removed).toEqual(['typebox']);
  const chunks = readdirSync(new URL('dist/chunks', root)).filter((name) => name.endsWith('.js'));
  for (const file of ['dist/main.js', ...chunks.map((name) => `dist/chunks/${name}`)])
    expect(read(file)).not.toMatch(/\b(from|import|import\() ?["']typebox/);
});

test('nothing that the build reads is kept from it', () => {
  const ignored = read('.dockerignore').split('\n');
  for (const name of ['src', 'scripts', 'docs', 'migrations', 'package-lock.json', 'tsconfig.build.json'])
    expect(ignored).not.toContain(name);
});
