/**
 * A result of `weir doctor`. `warning`: will cause data loss or slowness under some circumstances; `problem`:
 * does not work now.
 */
export interface Finding {
  about: string;
  level: 'ok' | 'warning' | 'problem';
  what: string;
  /** The remedy; '' when none is needed. */
  advice: string;
}
