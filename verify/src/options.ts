import type { Way } from './history/operation.ts';

/** One installation of Weir, as its callers reach it. */
export interface Target {
  /** Each Weir; requests go to them in turn. */
  urls: readonly string[];
  /** Operator key of scope `admin`; undefined where none is needed. */
  key?: string | undefined;
  webhookSecret?: string | undefined;
  /** Without it compensations and the table itself are not checked. */
  postgres?: string | undefined;
  /** Without it no entries are added to the stream. */
  redis?: string | undefined;
  /** Without it no event is checked, and a consumer must be attached to Weir. */
  rabbitmq?: string | undefined;
  queues?: Partial<Queues> | undefined;
}

export interface Queues {
  /** Several where events are spread over queues. */
  created: readonly string[];
  results: string;
  releases: string;
  refunds: string;
}

export const defaultQueues: Queues = {
  created: ['resource.instance.created'],
  results: 'product.instance.result',
  releases: 'resource.instance.release',
  refunds: 'payment.order.refund',
};

export interface VerifyOptions extends Target {
  /** Purchases of each way among each other. Default: as many of each. */
  mix?: Partial<Record<Way, number>> | undefined;
  /** Purchases a second; default 50. */
  rate?: number | undefined;
  /** Default 30,000. */
  durationMs?: number | undefined;
  /** Purchases in all; replaces `durationMs`. */
  count?: number | undefined;
  /** How long everything may take to settle afterwards; default 60,000. */
  waitMs?: number | undefined;
  /** Instances that get the result FAILED; default 10. */
  failPercent?: number | undefined;
  /** Default true. False: the Resource Domain of the installation consumes and answers. */
  consume?: boolean | undefined;
  /** Entries that Redis acknowledged and lost are listed, and violate nothing. Default false. */
  redisMayLose?: boolean | undefined;
  /** Runs once half of the purchases are sent; purchases go on until it is done. */
  atHalfTime?: (() => Promise<void>) | undefined;
  onProgress?: ((line: string) => void) | undefined;
  /** Ends the purchases early; what was sent is judged. */
  signal?: AbortSignal | undefined;
}

/** The run says nothing about the installation: exit code 2. */
export class CannotRun extends Error {
  override name = 'CannotRun';
}
