import type { Finding } from '../../../lib/finding.ts';

const about = 'PostgreSQL';

export function ok(what: string): Finding {
  return { about, level: 'ok', what, advice: '' };
}

/** Loses data or time some day. */
export function warning(what: string, advice: string): Finding {
  return { about, level: 'warning', what, advice };
}

/** Does not work now. */
export function problem(what: string, advice: string): Finding {
  return { about, level: 'problem', what, advice };
}

/** What one examination needs to know of the configuration. */
export interface Examined {
  /** Whether a start creates what is missing. */
  isMigrated: boolean;
  /** '' where the role's search_path decides. */
  schema: string;
  /** That one process opens at most. */
  connections: number;
}
