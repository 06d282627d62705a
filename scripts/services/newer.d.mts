export interface Unpacked {
  root: string;
  /** The folder of its programs. */
  folder: string;
  program: string;
}

export function findNewer(name: 'rabbitmq4' | 'valkey'): Unpacked | undefined;
export function ensureNewer(): Promise<{ name: string; title: string }[]>;
