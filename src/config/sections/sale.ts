import { advanced, count, duration, oneOf, setting } from '../setting.ts';

/** `sale`: the admission of a sale. */
export const saleSettings = {
  acknowledge: setting(
    oneOf('memory', 'fsync', 'replica'),
    'memory',
    'memory, fsync or replica',
    'fsync: a buy is answered after Redis wrote it to disk (WAITAOF: Redis 7.2 or Valkey with appendonly yes); replica: after a replica has it (WAIT). Set fsync where a power cut, replica where a failover must not lose the last second of buys; answers are slower.',
  ),
  userPerSecond: count(
    0,
    1_000_000,
    20,
    'Buy requests of one user, and as many status requests; five times as many may come at once. 0 disables it. Raise it when legitimate buyers get 429.',
  ),
  addressPerSecond: count(
    0,
    1_000_000,
    200,
    'The same for one address without a key (IPv6: one /64), except loopback. 0 disables it. Raise it when many buyers share an address.',
  ),
  maxWaiting: advanced(
    count(
      1,
      1_000_000,
      5_000,
      'Buyers of this process that wait for the store; more get 503. Lower it to refuse requests rather than answer them late.',
    ),
  ),
  maxLoopDelayMs: advanced(
    duration(
      20,
      1_000,
      'Buyers get 503 while the event loop of this process is later than this. Lower it to refuse requests rather than answer them late.',
    ),
  ),
};
