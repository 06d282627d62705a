import { expect, test } from 'vitest';
import { postgresInstallation } from '../../src/adapters/postgres/installation.ts';
import { type MarkedStore, type StoreMark, verifyPairing } from '../../src/ops/installation/pairing.ts';
import { openTestPostgres } from '../support/stores.ts';

test('connections that pair with a new store at the same time write one mark', async () => {
  const rows = postgresInstallation(await openTestPostgres());
  const marks: Omit<StoreMark, 'seenAgoMs'>[] = [];
  const store: MarkedStore = {
    kind: 'RABBITMQ',
    name: 'RabbitMQ',
    address: 'rabbit:5672/%2f',
    readMark: async () => undefined,
    async writeMark(mark) {
      marks.push(mark);
    },
  };
  const answers = await Promise.all(Array.from({ length: 8 }, () => verifyPairing(rows, store)));
  expect(answers).toEqual(Array(8).fill(undefined));
  expect(new Set(marks.map((mark) => mark.store)).size).toBe(1);
  expect((await rows.read('RABBITMQ')).paired?.store).toBe(marks[0]?.store);
});
