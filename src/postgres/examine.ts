import type { Finding } from '../lib/finding.ts';
import { openPostgresServer } from './server.ts';

const about = 'PostgreSQL';
const oldestMajor = 14;

interface Settings {
  version: string;
  version_number: string;
  fsync: string;
  synchronous_commit: string;
  full_page_writes: string;
  is_standby: boolean;
  clock: Date;
}

/** Reachability, version, and the settings under which a commit can be lost. */
export async function examinePostgres(url: string, isMadeAtStart: boolean): Promise<Finding[]> {
  const database = openPostgresServer({ url, maxConnections: 1, onConnectionError() {} });
  try {
    const [row] = await database.query<Settings>(`
      SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS version_number,
        current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('full_page_writes') AS full_page_writes, pg_is_in_recovery() AS is_standby,
        clock_timestamp() AS clock`);
    return row ? judge(row) : [];
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    if (code === '3D000' && isMadeAtStart) {
      const what = `${message} yet: the first start makes it`;
      return [{ about, level: 'warning', what, advice: 'weir migrate makes it now, and shows that it can' }];
    }
    const advice =
      code === '3D000'
        ? 'run weir migrate, which creates it'
        : 'check data.database.source and that the server runs';
    return [{ about, level: 'problem', what: message || String(code), advice }];
  } finally {
    await database.close();
  }
}

function judge(settings: Settings): Finding[] {
  const findings: Finding[] = [];
  const major = Math.floor(Number(settings.version_number) / 10_000);
  if (major < oldestMajor) {
    const advice = `use PostgreSQL ${oldestMajor} or newer`;
    findings.push({ about, level: 'problem', what: `version ${settings.version} is too old`, advice });
  } else findings.push({ about, level: 'ok', what: `version ${settings.version} answers`, advice: '' });
  for (const name of ['fsync', 'full_page_writes'] as const) {
    if (settings[name] === 'on') continue;
    const what = `${name} = ${settings[name]}: a power cut can lose or corrupt committed purchases`;
    findings.push({ about, level: 'problem', what, advice: `set ${name} = on` });
  }
  if (settings.synchronous_commit === 'off') {
    const what = 'synchronous_commit = off: purchases answered in the last moments before a crash are lost';
    findings.push({ about, level: 'problem', what, advice: 'set synchronous_commit = on' });
  }
  if (settings.is_standby) {
    findings.push({
      about,
      level: 'problem',
      what: 'this is a read-only standby',
      advice: 'point to the primary',
    });
  }
  const skewMs = Math.abs(settings.clock.getTime() - Date.now());
  if (skewMs > 1_000) {
    const what = `its clock and ours differ by ${Math.round(skewMs)} ms`;
    findings.push({
      about,
      level: 'warning',
      what,
      advice: 'run NTP on both: webhook times are judged by ours',
    });
  }
  return findings;
}
