export class StillStarting extends Error {}
export function askPostgres(url: string): Promise<string | undefined>;
export function askRedis(url: string): Promise<string | undefined>;
export function askRabbitmq(url: string): Promise<string | undefined>;
