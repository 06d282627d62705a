/** Who makes a change, as it is recorded with the change. */
export interface Actor {
  /** The name of the key; of a local command the user of the operating system. */
  name: string;
  /** undefined: a key of the settings, no key at all, or a local command. */
  keyId: string | undefined;
  via: 'http' | 'cli';
  /** undefined for a local command. */
  requestId: string | undefined;
}
