import { keyNamePattern } from '../../api/key-shapes.ts';
import { reaches, type Scope, scopes } from '../../ops/access/scope.ts';
import type { ApiOptions } from '../client/api.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { printJson, printLine, printNotice } from '../output/output.ts';
import { printTable, showTime } from '../output/table.ts';
import { openLocalKeys, type ShownKey } from './local-keys.ts';

type KeysOptions = ApiOptions & { json?: boolean };

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
  const store = openLocalKeys(options);
  const { key, ...made } = await store.create(name, options.scope, expiresAt);
  printNotice(`Created key ${made.id} (${made.name}), scope ${made.scope}, in ${store.description}.`);
  printNotice(`It expires ${made.expiresAt ?? 'never'}, and is shown only now:`);
  if (options.json) printJson({ ...made, key });
  else printLine(key);
  return exitCodes.ok;
}

export async function listKeys(options: KeysOptions): Promise<number> {
  const store = openLocalKeys(options);
  const items = await store.list();
  printNotice(`Keys in ${store.description}:`);
  if (options.json) printJson({ items });
  else if (items.length === 0) printLine('no keys');
  else {
    printTable(
      [
        'ID',
        { title: 'NAME', isProse: true },
        'SCOPE',
        { title: 'STATE', isProse: true },
        { title: 'LAST USED', rank: 1 },
        { title: 'MADE', rank: 2 },
        { title: 'BY', rank: 3, isProse: true },
      ],
      items.map((key) => [
        `${key.id}`,
        `${key.name}`,
        key.scope,
        describeState(key, Date.now()),
        key.lastUsedAt === null ? 'never' : showTime(key.lastUsedAt),
        showTime(key.createdAt),
        `${key.createdBy}`,
      ]),
    );
  }
  return exitCodes.ok;
}

export async function revokeKey(idOrName: string, options: KeysOptions): Promise<number> {
  const store = openLocalKeys(options);
  // Listed before, not after: the key that is revoked may be the one that this command uses.
  const keys = await store.list();
  const id = findId(keys, idOrName);
  const revoked = id === undefined ? undefined : await store.revoke(id);
  if (!revoked) throw new CliError(exitCodes.notFound, `cannot find key ${idOrName} in ${store.description}`);
  const result = `Revoked key ${revoked.id} (${revoked.name}) in ${store.description}`;
  if (options.json) {
    printJson(revoked);
    printNotice(result);
  } else printLine(result);
  const loss = describeLoss(keys, revoked.id, Date.now());
  if (loss) printNotice(`weir: ${loss}`);
  return exitCodes.ok;
}

/** The scopes that no key in the database has any more after this revocation. */
function describeLoss(
  keys: readonly ShownKey[],
  revokedId: string | null,
  nowMs: number,
): string | undefined {
  const before = keys.filter(({ revokedAt }) => revokedAt === null);
  const left = before.filter(({ id }) => id !== revokedId);
  const unless = 'unless server.http.operatorKeys has some';
  if (left.length === 0) return `that was the last key in the database: ${unless}, the API is open now`;
  const isOpened = (by: readonly ShownKey[], needed: Scope) =>
    by.some(({ scope, expiresAt }) => reaches(scope, needed) && !(Date.parse(expiresAt ?? '') <= nowMs));
  const lost = scopes.filter((scope) => isOpened(before, scope) && !isOpened(left, scope));
  if (lost.length === 0) return undefined;
  const way = `\`weir keys create NAME --scope ${lost.at(-1)}\` without --url creates one`;
  return `no key in the database has scope ${lost.join(' or ')} any more: ${unless}, that scope cannot be used; ${way}`;
}

/**
 * Of several keys with the same name at most one is in force. A name may look like an id; an exact id takes
 * precedence.
 */
function findId(keys: readonly ShownKey[], idOrName: string): string | undefined {
  const found =
    keys.find(({ id }) => id === idOrName) ??
    keys.find(({ name, revokedAt }) => name === idOrName && revokedAt === null) ??
    keys.find(({ name }) => name === idOrName);
  return found?.id ?? undefined;
}

function describeState({ revokedAt, revokedBy, expiresAt }: ShownKey, nowMs: number): string {
  if (revokedAt !== null) return `revoked ${showTime(revokedAt)} by ${revokedBy}`;
  if (expiresAt === null) return 'in force';
  return Date.parse(expiresAt) > nowMs
    ? `in force until ${showTime(expiresAt)}`
    : `expired ${showTime(expiresAt)}`;
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
