import type { Unpacked } from './newer.mjs';

export interface Launch {
  url: string;
  program: string;
  args: string[];
  options: { cwd: string; env: NodeJS.ProcessEnv; uid?: number; gid?: number };
}

export interface Place {
  folder: string;
  port: number;
}

export function preparePostgres(place: Place & { settings?: Record<string, string> }): Promise<Launch>;
export function preparePostgresStandby(
  place: Place & { primaryPort: number; settings?: Record<string, string> },
): Promise<Launch>;
export function prepareRedis(
  place: Place & { program?: string; config?: Record<string, string> },
): Promise<Launch>;
export function prepareRabbitmq(
  place: Place & {
    distributionPort: number;
    epmdPort?: number;
    cookie?: string;
    netTickSeconds?: number;
    unpacked?: Unpacked;
    plugins?: readonly string[];
    config?: Record<string, string>;
  },
): Promise<Launch & { node: string; control: { program: string; args: string[] } }>;
export function prepareFolder(
  folder: string,
  userName: string | undefined,
  env: NodeJS.ProcessEnv,
): Launch['options'];
