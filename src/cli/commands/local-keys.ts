import { FolderInUseError } from '../../adapters/embedded/folder-lock.ts';
import { checkSchema } from '../../adapters/postgres/migrate.ts';
import { postgresOperatorKeys } from '../../adapters/postgres/operator-keys.ts';
import type { Key } from '../../api/answers.ts';
import { readConfig } from '../../config/config.ts';
import { WeirError } from '../../errors.ts';
import type { Database } from '../../lib/sql.ts';
import { createOperatorKey, digestOf, type OperatorKey } from '../../ops/access/operator-key.ts';
import type { Scope } from '../../ops/access/scope.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { describeDatabase } from './describe-database.ts';
import { localActor } from './local-actor.ts';
import { withDatabase } from './with-database.ts';

/** A key as printed, in the shape of the API. */
export type ShownKey = Key;

/** Where keys are created and revoked. */
interface LocalKeys {
  /** Describes where the keys are, for messages. */
  description: string;
  create(name: string, scope: Scope, expiresAt: Date | undefined): Promise<ShownKey & { key: string }>;
  list(): Promise<ShownKey[]>;
  /** @returns undefined when there is no such key */
  revoke(id: string): Promise<ShownKey | undefined>;
}

/** Uses the API of a running Weir when --url is given, otherwise the configured database. */
export function openLocalKeys(options: ApiOptions): LocalKeys {
  return options.url === undefined ? keysInDatabase(options) : keysAtApi(new Api(options));
}

function keysAtApi(api: Api): LocalKeys {
  return {
    description: `the Weir at ${api.url}`,
    create: (name, scope, expiresAt) => api.post('/v1/keys', { name, scope, expiresAt }),
    list: async () => (await api.get<{ items: ShownKey[] }>('/v1/keys')).items,
    revoke: (id) => api.delete<ShownKey>(`/v1/keys/${id}`),
  };
}

function keysInDatabase(options: ApiOptions): LocalKeys {
  const { config } = readConfig(options.config, process.env);
  const lend = async <T>(work: (database: Database) => Promise<T>): Promise<T> => {
    try {
      return await withDatabase(config, work);
    } catch (error) {
      if (error instanceof FolderInUseError) {
        const message = `${error.message}; or use its API with --url`;
        throw new CliError(exitCodes.failed, message, { cause: error });
      }
      if (error instanceof WeirError)
        throw new CliError(exitCodes.failed, `${error.message}. ${error.advice}`);
      throw error;
    }
  };
  return {
    description: describeDatabase(config),
    create: (name, scope, expiresAt) =>
      lend(async (database) => {
        await checkSchema(database);
        const key = createOperatorKey(scope);
        const made = { name, scope, expiresAt, digest: digestOf(key) };
        return { ...show(await postgresOperatorKeys(database).addKey(made, localActor())), key };
      }),
    list: () =>
      lend(async (database) => {
        await checkSchema(database);
        return (await postgresOperatorKeys(database).listKeys()).map(show);
      }),
    revoke: (id) =>
      lend(async (database) => {
        await checkSchema(database);
        const revoked = await postgresOperatorKeys(database).revokeKey(id, localActor());
        return revoked && show(revoked);
      }),
  };
}

function show(key: OperatorKey): ShownKey {
  const toText = (at: Date | undefined) => at?.toISOString() ?? null;
  return {
    ...key,
    createdAt: key.createdAt.toISOString(),
    lastUsedAt: toText(key.lastUsedAt),
    expiresAt: toText(key.expiresAt),
    revokedAt: toText(key.revokedAt),
    revokedBy: key.revokedBy ?? null,
  };
}
