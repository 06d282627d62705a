export function findPgbouncer(): string | undefined;
export function ensurePgbouncer(): Promise<{ name: string; title: string }[]>;
