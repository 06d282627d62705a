import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** SHA-256 of each migration, its first 16 digits. A change of the schema is a new file and a new line here. */
const released: Readonly<Record<string, string>> = {
  '0001_initial.sql': '72f48599c954dbcc',
  '0002_activity.sql': '409cc50e1848c462',
  '0003_parked_params.sql': 'e7c63f28c95115b6',
  '0004_orders_search.sql': '78f3467a339747d4',
  '0005_parked_jobs.sql': '92fa4cd981801667',
  '0006_activity_of_items.sql': '0b5dd3777fe199a5',
  '0007_parked_by_group.sql': 'a04381cb0fa2aab1',
  '0008_idempotency_keys.sql': 'd4a51625574f1ed4',
  'embedded/0001_embedded_stores.sql': '03ba8206855715ca',
};

test('a migration that was released is never edited', () => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.sql'),
  );
  const digests = files.map((file) => [
    file.replaceAll('\\', '/'),
    createHash('sha256')
      .update(readFileSync(root + file))
      .digest('hex')
      .slice(0, 16),
  ]);
  expect(Object.fromEntries(digests)).toEqual(released);
});

test('the tables of the embedded stores stand in their own migrations alone', () => {
  expect(readFileSync(`${root}0001_initial.sql`, 'utf8')).not.toMatch(/embedded_/);
});
