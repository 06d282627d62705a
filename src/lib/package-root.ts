import { existsSync } from 'node:fs';

/** The folder of package.json, as a URL. Migrations and the page are below it, wherever the build has put this file. */
export const packageRoot: URL = findRoot(new URL('./', import.meta.url));

function findRoot(folder: URL): URL {
  return existsSync(new URL('package.json', folder)) ? folder : findRoot(new URL('../', folder));
}
