import { describe, expect, test } from 'vitest';
import {
  countKeys,
  postgresCredentials,
  postgresOperatorKeys,
} from '../../src/adapters/postgres/operator-keys.ts';
import { postgresOperatorSessions } from '../../src/adapters/postgres/operator-sessions.ts';
import type { Database } from '../../src/lib/sql.ts';
import { KeyRing } from '../../src/ops/access/key-ring.ts';
import {
  createOperatorKey,
  createSessionId,
  digestOf,
  type OperatorKey,
} from '../../src/ops/access/operator-key.ts';
import type { Scope } from '../../src/ops/access/scope.ts';
import { createActor } from '../support/actors.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

/** Two processes on one database, whose clocks and connection the test controls. */
async function setUp(database: Database, configuredKeys: string[] = []) {
  const link = { isCut: false, looks: 0 };
  let nowMs = 1_000_000;
  const createRing = () =>
    new KeyRing({
      async readCredentials() {
        link.looks++;
        if (link.isCut) throw new Error('connection refused');
        return postgresCredentials(database).readCredentials();
      },
      markUsed: (ids) => postgresCredentials(database).markUsed(ids),
      configuredKeys,
      clock: { wallMs: () => Date.now(), monotonicMs: () => nowMs },
      onFailure() {},
    });
  const keys = postgresOperatorKeys(database);
  const sessions = postgresOperatorSessions(database);
  return {
    here: createRing(),
    elsewhere: createRing(),
    keys,
    sessions,
    link,
    passMs(ms: number) {
      nowMs += ms;
    },
    async addKey(
      name: string,
      scope: Scope = 'act',
      expiresAt?: Date,
    ): Promise<OperatorKey & { key: string }> {
      const key = createOperatorKey(scope);
      const made = await keys.addKey({ name, scope, expiresAt, digest: digestOf(key) }, createActor());
      return { ...made, key };
    },
    async addSession(keyId: string, lastsMs = 60_000): Promise<string> {
      const id = createSessionId();
      await sessions.addSession({ digest: digestOf(id), keyId, proof: undefined, lastsMs }, createActor());
      return id;
    },
  };
}

describe.each(Object.keys(databases))('keys on %s', (name) => {
  const open = () => databases[name as keyof typeof databases]();

  test('keys open nothing closed: no key means open, a key closes, a revoked one opens', async () => {
    const { here, addKey, keys, passMs } = await setUp(await open());
    expect(await here.isOpen()).toBe(true);
    const { id } = await addKey('first');
    passMs(801);
    expect(await here.isOpen()).toBe(false);
    await keys.revokeKey(id, createActor('a test'));
    passMs(801);
    expect(await here.isOpen()).toBe(true);
  });

  test('keys work in every process at once, and in none 0.8 s after revocation', async () => {
    const { here, elsewhere, addKey, keys, passMs } = await setUp(await open());
    const first = await addKey('first', 'read');
    for (const ring of [here, elsewhere]) expect((await ring.findKey(first.key))?.caller.name).toBe('first');
    // Created after both have read: a process that does not know the key reads once more.
    const second = await addKey('second', 'admin');
    for (const ring of [here, elsewhere])
      expect((await ring.findKey(second.key))?.caller).toEqual({
        name: 'second',
        scope: 'admin',
        keyId: second.id,
      });

    await keys.revokeKey(second.id, createActor('a test'));
    passMs(801);
    for (const ring of [here, elsewhere]) {
      expect(await ring.findKey(second.key)).toBeUndefined();
      expect((await ring.findKey(first.key))?.caller.name).toBe('first');
    }
  });

  test('cost no query each: neither a thousand good ones nor a thousand wrong ones', async () => {
    const { here, addKey, link, passMs } = await setUp(await open());
    const { key } = await addKey('busy');
    await here.findKey(key);
    const before = link.looks;
    for (let i = 0; i < 1_000; i++) expect(await here.findKey(key)).toBeDefined();
    expect(link.looks).toBe(before);
    passMs(300);
    const wrong = Array.from({ length: 1_000 }, () => createOperatorKey('admin'));
    expect(new Set(await Promise.all(wrong.map((each) => here.findKey(each))))).toEqual(new Set([undefined]));
    expect(link.looks).toBe(before + 1);
    // Text that cannot be a key causes no read.
    for (const text of ['', 'weir_admin_', `${key}x`, key.toLowerCase()]) await here.findKey(text);
    expect(link.looks).toBe(before + 1);
  });

  test('keys cannot take a name in force, and free it when revoked', async () => {
    const { addKey, keys } = await setUp(await open());
    const { id } = await addKey('shop');
    await expect(addKey('shop')).rejects.toMatchObject({ code: 'KEY_CONFLICT' });
    expect(await keys.revokeKey(id, createActor('somebody'))).toMatchObject({
      name: 'shop',
      revokedBy: 'somebody',
    });
    expect(await keys.revokeKey(id, createActor('somebody else'))).toMatchObject({ revokedBy: 'somebody' });
    expect(await keys.revokeKey('999', createActor('somebody'))).toBeUndefined();
    await addKey('shop');
    expect((await keys.listKeys()).map((key) => [key.name, key.revokedBy])).toEqual([
      ['shop', undefined],
      ['shop', 'somebody'],
    ]);
  });

  test('keys that have expired open nothing and keep the API closed', async () => {
    const database = await open();
    const { here, addKey, passMs } = await setUp(database);
    const { key } = await addKey('brief', 'admin', new Date(Date.now() + 60_000));
    expect(await here.findKey(key)).toBeDefined();
    await database.query("UPDATE operator_keys SET expires_at = now() - interval '1 second'");
    passMs(801);
    expect(await here.findKey(key)).toBeUndefined();
    expect(await here.isOpen()).toBe(false);
    expect(await countKeys(database)).toEqual({ inForce: 1, valid: 0, admins: 0 });
  });

  test('keys record their use once a minute', async () => {
    const database = await open();
    const { here, addKey, keys, passMs } = await setUp(database);
    const { key } = await addKey('used');
    const readUse = async () => (await keys.listKeys())[0]?.lastUsedAt;
    expect(await readUse()).toBeUndefined();
    await here.findKey(key);
    passMs(801);
    await here.findKey(key);
    const first = await readUse();
    expect(first).toBeInstanceOf(Date);
    for (let i = 0; i < 3; i++) {
      passMs(801);
      await here.findKey(key);
    }
    expect(await readUse()).toEqual(first);
    await database.query("UPDATE operator_keys SET last_used_at = now() - interval '2 minutes'");
    for (let i = 0; i < 3; i++) {
      passMs(801);
      await here.findKey(key);
    }
    expect((await readUse())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? 0);
  });

  test('the database contains neither a key nor a session', async () => {
    const database = await open();
    const { here, addKey, addSession, sessions } = await setUp(database, ['configured-key-of-monday']);
    const { key, id } = await addKey('secret');
    const cookie = await addSession(id);
    const other = createSessionId();
    const proof = here.proveKey(other, 'configured-key-of-monday');
    await sessions.addSession(
      { digest: digestOf(other), keyId: undefined, proof, lastsMs: 1_000 },
      createActor(),
    );
    const rows = await database.query<{ row: string }>(
      'SELECT operator_keys::text AS row FROM operator_keys UNION ALL SELECT operator_sessions::text FROM operator_sessions',
    );
    expect(rows).toHaveLength(3);
    const stored = rows.map(({ row }) => row).join('\n');
    for (const secret of [
      key,
      key.slice(-49),
      cookie,
      other,
      'configured-key-of-monday',
      digestOf('configured-key-of-monday').toString('hex'),
    ])
      expect(stored).not.toContain(secret);
  });
});

describe.each(Object.keys(databases))('sessions on %s', (name) => {
  const open = () => databases[name as keyof typeof databases]();

  test('sessions may do what their key may, in every process, until it is revoked', async () => {
    const { here, elsewhere, addKey, addSession, keys, passMs } = await setUp(await open());
    const { id } = await addKey('on-call', 'act');
    const cookie = await addSession(id);
    for (const ring of [here, elsewhere])
      expect(await ring.findSession(cookie)).toEqual({
        name: 'on-call',
        scope: 'act',
        keyId: id,
        until: expect.any(Date),
      });
    await keys.revokeKey(id, createActor('a test'));
    passMs(801);
    for (const ring of [here, elsewhere]) expect(await ring.findSession(cookie)).toBeUndefined();
  });

  test('sessions end when they are ended, and when they expire', async () => {
    const { here, addKey, addSession, sessions, passMs } = await setUp(await open());
    const { id } = await addKey('on-call');
    const [ended, late, going] = [await addSession(id), await addSession(id, 0), await addSession(id)];
    await sessions.removeSession(digestOf(ended), createActor());
    passMs(801);
    expect(await here.findSession(ended)).toBeUndefined();
    expect(await here.findSession(late)).toBeUndefined();
    expect(await here.findSession(going)).toBeDefined();
  });

  test('sessions of a configured key end when it is no longer configured', async () => {
    const database = await open();
    const keys = ['configured-key-of-monday', 'configured-key-of-tuesday'];
    const { here, sessions } = await setUp(database, keys);
    const id = createSessionId();
    const proof = here.proveKey(id, 'configured-key-of-tuesday');
    await sessions.addSession(
      { digest: digestOf(id), keyId: undefined, proof, lastsMs: 60_000 },
      createActor(),
    );
    expect(await here.findSession(id)).toMatchObject({ scope: 'admin' });
    const { here: later } = await setUp(database, keys.slice(0, 1));
    expect(await later.findSession(id)).toBeUndefined();
  });

  test('sessions are limited to fifty for a key, and the oldest ends', async () => {
    const database = await open();
    const { addKey, addSession } = await setUp(database);
    const { id } = await addKey('busy');
    const cookies: string[] = [];
    for (let i = 0; i < 52; i++) cookies.push(await addSession(id));
    const { sessions } = await postgresCredentials(database).readCredentials();
    const kept = new Set(sessions.map(({ digest }) => digest.toString('hex')));
    expect(kept).toEqual(new Set(cookies.slice(2).map((cookie) => digestOf(cookie).toString('hex'))));
  });
});

describe('while the database is away', () => {
  test('known keys work for a minute without the database, and then none does', async () => {
    const { here, addKey, link, passMs } = await setUp(await openTestPglite());
    const { key } = await addKey('shop');
    await here.findKey(key);
    link.isCut = true;
    passMs(59_000);
    expect((await here.findKey(key))?.caller.name).toBe('shop');
    await expect(here.findKey(createOperatorKey('admin'))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    passMs(2_000);
    await expect(here.findKey(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(here.isOpen()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    link.isCut = false;
    expect((await here.findKey(key))?.caller.name).toBe('shop');
  });

  test('a read-only database accepts keys and does not record their use', async () => {
    const database = await openTestPglite();
    const { here, addKey, keys, passMs } = await setUp(database);
    const { key } = await addKey('shop');
    await database.query('ALTER TABLE operator_keys ADD CONSTRAINT frozen CHECK (last_used_at IS NULL)');
    for (let i = 0; i < 3; i++) {
      expect((await here.findKey(key))?.caller.name).toBe('shop');
      passMs(60_001);
    }
    expect((await keys.listKeys())[0]?.lastUsedAt).toBeUndefined();
    await database.query('ALTER TABLE operator_keys DROP CONSTRAINT frozen');
  });

  test('a process that has just started is not open, and a configured key opens it', async () => {
    const { here, link } = await setUp(await openTestPglite());
    link.isCut = true;
    await expect(here.isOpen()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const { here: configured } = await setUp(await openTestPglite(), ['configured-key-of-monday']);
    expect(await configured.isOpen()).toBe(false);
    expect(await configured.findKey('configured-key-of-monday')).toMatchObject({
      caller: { scope: 'admin' },
    });
    expect(await configured.findKey('configured-key-of-tuesday')).toBeUndefined();
  });
});
