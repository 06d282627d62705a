import { keyNamePattern } from '../access/operator-key.ts';
import type { Scope } from '../access/scope.ts';
import type { ApiOptions } from './api.ts';
import { CliError, exitCodes } from './exit-codes.ts';
import { openKeyDesk, type ShownKey } from './key-desk.ts';
import { printJson, printTable } from './table.ts';

export type KeysOptions = ApiOptions & { json?: boolean };

export async function createKey(
  name: string,
  options: KeysOptions & { scope: Scope; expires?: string },
): Promise<number> {
  if (!new RegExp(keyNamePattern).test(name)) {
    throw new CliError(
      exitCodes.usage,
      `${name}: expected a name of 1 to 64 letters, digits, ".", "_" and "-"`,
    );
  }
  const expiresAt = options.expires === undefined ? undefined : readExpiry(options.expires, Date.now());
  const { key, ...made } = await openKeyDesk(options).create(name, options.scope, expiresAt);
  if (options.json) printJson({ ...made, key });
  else {
    process.stderr.write(
      `key ${made.id}, ${made.name}, scope ${made.scope}, ${describeExpiry(made)}. It is shown only now:\n`,
    );
    process.stdout.write(`${key}\n`);
  }
  return exitCodes.ok;
}

export async function listKeys(options: KeysOptions): Promise<number> {
  const items = await openKeyDesk(options).list();
  if (options.json) printJson({ items });
  else if (items.length === 0) process.stdout.write('no keys\n');
  else {
    printTable(
      ['ID', 'NAME', 'SCOPE', 'STATE', 'LAST USED', 'MADE', 'BY'],
      items.map((key) => [
        `${key.id}`,
        `${key.name}`,
        key.scope,
        describeState(key, Date.now()),
        key.lastUsedAt ?? 'never',
        `${key.createdAt}`,
        `${key.createdBy}`,
      ]),
    );
  }
  return exitCodes.ok;
}

export async function revokeKey(idOrName: string, options: KeysOptions): Promise<number> {
  const desk = openKeyDesk(options);
  const id = findId(await desk.list(), idOrName);
  const revoked = id === undefined ? undefined : await desk.revoke(id);
  if (!revoked) throw new CliError(exitCodes.notFound, `there is no key ${idOrName}`);
  if (options.json) printJson(revoked);
  else process.stdout.write(`key ${revoked.id}, ${revoked.name}, opens nothing any more\n`);
  if ((await desk.list()).every(({ revokedAt }) => revokedAt !== null)) {
    process.stderr.write(
      'weir: that was the last one in the database: unless server.http.operatorKeys has some, the API is open now\n',
    );
  }
  return exitCodes.ok;
}

/** Of keys with the same name only one is in force. A name may look like an id: that key's own id goes first. */
function findId(keys: readonly ShownKey[], idOrName: string): string | undefined {
  const found =
    keys.find(({ id }) => id === idOrName) ??
    keys.find(({ name, revokedAt }) => name === idOrName && revokedAt === null) ??
    keys.find(({ name }) => name === idOrName);
  return found?.id ?? undefined;
}

function describeState({ revokedAt, revokedBy, expiresAt }: ShownKey, nowMs: number): string {
  if (revokedAt !== null) return `revoked ${revokedAt} by ${revokedBy}`;
  if (expiresAt === null) return 'in force';
  return Date.parse(expiresAt) > nowMs ? `in force until ${expiresAt}` : `expired ${expiresAt}`;
}

function describeExpiry({ expiresAt }: ShownKey): string {
  return expiresAt === null ? 'which never expires' : `until ${expiresAt}`;
}

const unitMs = { h: 3_600_000, d: 86_400_000 };

function readExpiry(text: string, nowMs: number): Date {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const at = count ? new Date(nowMs + Number(count) * unitMs[unit as 'h' | 'd']) : new Date(text);
  if (at.getTime() > nowMs && at.getUTCFullYear() <= 9999) return at;
  throw new CliError(
    exitCodes.usage,
    `--expires ${text}: expected a time to come such as 90d, 12h or 2027-03-31T00:00:00Z`,
  );
}
