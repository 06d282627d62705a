// Types of the packages in the bench's own package.json, so that types are checked without installing them.

declare module 'graphile-worker' {
  export class Logger {
    constructor(create: (scope: unknown) => (level: string, message: string) => void);
  }
  export function run(options: {
    pgPool: import('pg').Pool;
    noHandleSignals: boolean;
    logger: Logger;
    taskList: Record<string, (payload: unknown) => Promise<void>>;
    preset: { worker: Record<string, unknown> };
  }): Promise<{ stop(): Promise<void> }>;
}

declare module 'pg-boss' {
  interface Db {
    executeSql(text: string, values: unknown[]): Promise<{ rows: unknown[] }>;
  }
  export default class PgBoss {
    constructor(options: Record<string, unknown>);
    on(event: 'error', listener: (error: Error) => void): this;
    start(): Promise<this>;
    stop(options: { graceful: boolean; wait: boolean; timeout: number }): Promise<void>;
    createQueue(name: string): Promise<void>;
    insert(jobs: readonly { name: string; data: object }[], options: { db: Db }): Promise<void>;
    work(
      name: string,
      options: Record<string, unknown>,
      handler: (jobs: { id: string; data: unknown }[]) => Promise<void>,
    ): Promise<string>;
  }
}

declare module 'bullmq' {
  type Redis = import('ioredis').Redis;
  export class Queue<Data> {
    constructor(name: string, options: { connection: Redis });
    addBulk(jobs: readonly { name: string; data: Data; opts: { jobId: string } }[]): Promise<unknown>;
    obliterate(options: { force: boolean }): Promise<void>;
  }
  export class Worker<Data> {
    constructor(
      name: string,
      work: (job: { data: Data }) => Promise<void>,
      options: { connection: Redis; concurrency: number; removeOnComplete: { count: number } },
    );
    on(event: 'error', listener: (error: Error) => void): this;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  }
}

declare module '@dbos-inc/dbos-sdk' {
  export const DBOS: {
    setConfig(config: Record<string, unknown>): void;
    launch(): Promise<void>;
    shutdown(): Promise<void>;
    registerWorkflow<Input, Output>(
      work: (input: Input) => Promise<Output>,
      config: { name: string },
    ): (input: Input) => Promise<Output>;
    runStep<Output>(work: () => Promise<Output>, config: { name: string }): Promise<Output>;
    startWorkflow<Input, Output>(
      workflow: (input: Input) => Promise<Output>,
      options: { workflowID: string },
    ): (input: Input) => Promise<{ getResult(): Promise<Output> }>;
  };
}

declare module 'pg-transactional-outbox' {
  interface Place {
    outboxOrInbox: 'outbox';
    database: string;
    schema: string;
    table: string;
    listenerRole: string;
  }
  interface Config {
    outboxOrInbox: 'outbox';
    dbHandlerConfig: object;
    dbListenerConfig: object;
    settings: Record<string, unknown>;
  }
  type PollingPlace = Place & { nextMessagesName: string };
  export const DatabaseSetup: {
    dropAndCreateTable(place: Place): string;
    createPollingFunction(place: PollingPlace): string;
    setupPollingIndexes(place: PollingPlace): string;
  };
  export function getDisabledLogger(): object;
  export function initializeMessageStorage(
    config: Config,
    logger: object,
  ): (message: object, client: import('pg').PoolClient) => Promise<void>;
  export function initializePollingMessageListener(
    config: Config,
    handler: { handle(message: { payload: unknown }): Promise<void> },
    logger: object,
  ): [shutdown: () => Promise<void>];
}

declare module '@restatedev/restate-sdk' {
  interface Context {
    run<Output>(name: string, work: () => Promise<Output>): Promise<Output>;
  }
  export function service(definition: {
    name: string;
    // biome-ignore lint/suspicious/noExplicitAny: a handler names the type of its own input
    handlers: Record<string, (context: Context, input: any) => Promise<void>>;
  }): object;
  export function createEndpointHandler(options: {
    services: object[];
    logger: () => void;
  }): (
    request: import('node:http2').Http2ServerRequest,
    response: import('node:http2').Http2ServerResponse,
  ) => void;
}
