import { createHash } from 'node:crypto';

/** Identifies an OpenAPI description, whatever the order of its routes. */
export function hashOfDescription({ paths }) {
  const sorted = Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}
