export function findFolderOf(programs: string[], folders?: string[]): string | undefined;
export function findPostgresFolder(): string | undefined;
export function findRabbitmqFolder(): string | undefined;
export function findUser(name: string): { uid: number; gid: number } | undefined;
export function findFreePort(): Promise<number>;
export function isFreePort(port: number): Promise<boolean>;
