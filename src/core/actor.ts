/** The author of a change, as recorded with the change. */
export interface Actor {
  /** The key's name; for a local command, the operating system user. */
  name: string;
  /** undefined for a configured key, a request without a key, or a local command. */
  keyId: string | undefined;
  via: 'http' | 'cli';
  /** undefined for a local command. */
  requestId: string | undefined;
}
