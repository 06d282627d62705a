import type { Finding } from '../../../lib/finding.ts';

const about = 'PostgreSQL';

export function ok(what: string): Finding {
  return { about, level: 'ok', what, advice: '' };
}

/** Will cause data loss or slowness under some circumstances. */
export function warning(what: string, advice: string): Finding {
  return { about, level: 'warning', what, advice };
}

/** Does not work now. */
export function problem(what: string, advice: string): Finding {
  return { about, level: 'problem', what, advice };
}

/** What the checks need from the configuration. */
export interface DiagnosisSettings {
  /** Whether a start creates missing tables. */
  isMigrated: boolean;
  /** '' when the role's search_path decides. */
  schema: string;
  /** How many connections one process opens at most. */
  connections: number;
}
