export interface Unpacked {
  root: string;
  /** Where its programs lie. */
  folder: string;
  program: string;
}

export function findNewer(name: 'rabbitmq4' | 'valkey'): Unpacked | undefined;
export function ensureNewer(): Promise<{ name: string; title: string }[]>;
