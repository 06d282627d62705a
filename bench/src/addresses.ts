export interface Addresses {
  readonly postgres: string;
  readonly redis: string;
  readonly rabbitmq: string;
}

export function readAddresses(env: NodeJS.ProcessEnv): Addresses {
  return {
    postgres: env.WEIR_BENCH_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres',
    // A separate database: Weir reads every seckill stream of its Redis.
    redis: env.WEIR_BENCH_REDIS ?? 'redis://127.0.0.1:6379/9',
    rabbitmq: env.WEIR_BENCH_RABBITMQ ?? 'amqp://guest:guest@127.0.0.1:5672/',
  };
}

/** The address for display: without user and password. */
export function hidePassword(address: string): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.toString();
}
