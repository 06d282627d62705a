export function findProxy(name: 'nginx' | 'haproxy'): string | undefined;
export function ensureProxies(): Promise<{ name: string; title: string }[]>;
