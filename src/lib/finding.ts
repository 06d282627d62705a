/** What an examination found: `warning` loses data or speed some day, `problem` does not work now. */
export interface Finding {
  about: string;
  level: 'ok' | 'warning' | 'problem';
  what: string;
  /** The remedy; '' when none is needed. */
  advice: string;
}
