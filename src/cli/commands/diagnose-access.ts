import { countKeys, type KeyCounts } from '../../adapters/postgres/operator-keys.ts';
import { openPostgresServer } from '../../adapters/postgres/server.ts';
import { toConnectionOptions } from '../../app/stores.ts';
import type { Config, HttpConfig } from '../../config/config.ts';
import { isLocalOnly } from '../../lib/address.ts';
import type { Finding } from '../../lib/finding.ts';

const about = 'access';

/** Who may do what over HTTP, and what is open to everyone who can reach the address. */
export async function diagnoseAccess(config: Config): Promise<Finding[]> {
  if (!config.server.roles.includes('http')) return diagnoseMetrics(config);
  const counts = config.data.database.source === '' ? undefined : await readCounts(config);
  return [
    ...diagnoseKeys(config, counts),
    ...diagnoseCallbacks(config.server.http),
    ...diagnoseMetrics(config),
  ];
}

/** @returns undefined when the database or its schema is missing, which another check reports */
async function readCounts(config: Config): Promise<KeyCounts | undefined> {
  const database = openPostgresServer({
    ...toConnectionOptions(config.data.database),
    maxConnections: 1,
    onConnectionError() {},
  });
  try {
    return await countKeys(database);
  } catch {
    return undefined;
  } finally {
    await database.close();
  }
}

function diagnoseKeys({ server, data }: Config, counts: KeyCounts | undefined): Finding[] {
  const { addr, operatorKeys } = server.http;
  const configured = `${operatorKeys.length} keys in server.http.operatorKeys`;
  if (!counts && data.database.source === '')
    return [
      {
        about,
        level: 'ok',
        what: `${configured}; the keys in the embedded database cannot be read here`,
        advice: '',
      },
    ];
  if (!counts) {
    const what = `${configured}; the keys in the database cannot be counted`;
    return [
      { about, level: 'warning', what, advice: 'run weir doctor again when the database is available' },
    ];
  }
  const { inForce, valid, admins } = counts;
  if (operatorKeys.length + inForce === 0) {
    const what = `no operator key: every caller that reaches ${addr} may do everything`;
    return [{ about, level: 'warning', what, advice: 'create one with weir keys create NAME --scope admin' }];
  }
  if (operatorKeys.length + valid === 0) {
    const advice = 'create another with weir keys create NAME --scope admin';
    return [{ about, level: 'problem', what: 'every operator key has expired: no one can log in', advice }];
  }
  const what = `${configured}, ${valid} in the database (${admins} with scope admin)`;
  return [{ about, level: 'ok', what, advice: '' }];
}

function diagnoseCallbacks({ addr, webhookSecrets }: HttpConfig): Finding[] {
  if (webhookSecrets.length > 0) return [];
  const what = `no webhook secret: every caller that reaches ${addr} can report an order as paid`;
  return [{ about, level: 'warning', what, advice: 'set server.http.webhookSecrets' }];
}

function diagnoseMetrics(config: Config): Finding[] {
  if (config.server.http.metrics !== 'open' || isLocalOnly(config.server.http)) return [];
  const what = `/metrics is open to everyone who can reach ${config.server.http.addr}`;
  return [
    {
      about,
      level: 'warning',
      what,
      advice: 'set server.http.metrics to read, or block it at the proxy',
    },
  ];
}
