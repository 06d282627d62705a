export interface PatroniPrograms {
  /** The folder of the unpacked packages. */
  root: string;
  patroni: string;
  python: string;
  etcd: string;
}

export function findPatroni(): PatroniPrograms | undefined;
export function ensurePatroni(): Promise<{ name: string; title: string }[]>;
