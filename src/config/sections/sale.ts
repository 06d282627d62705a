import { duration, integer, oneOf, setting } from '../setting.ts';

const perSecond = (key: string, value: number, sentence: string) =>
  setting(key, integer(0, 1_000_000), value, 'an integer from 0 to 1000000', sentence);

/** The admission of a sale. */
export const saleSettings = {
  saleAcknowledge: setting(
    'sale.acknowledge',
    oneOf('memory', 'fsync'),
    'memory',
    'memory or fsync',
    'fsync: a buy is answered after Redis has it on disk (WAITAOF, Redis 7.2 or Valkey, appendonly yes).',
  ),
  saleUserRate: perSecond(
    'sale.userPerSecond',
    20,
    'Requests of one user to buy, and as many to look; five times as many at once. 0: no limit. Change it when honest buyers get 429.',
  ),
  saleAddressRate: perSecond(
    'sale.addressPerSecond',
    200,
    'The same for one address without a key (IPv6: one /64), except loopback. 0: no limit.',
  ),
  saleMaxWaiting: setting(
    'sale.maxWaiting',
    integer(1, 1_000_000),
    5_000,
    'an integer from 1 to 1000000',
    'Buyers of this process that wait for the store at most; more are answered 503.',
  ),
  saleMaxLoopDelayMs: duration(
    'sale.maxLoopDelayMs',
    20,
    1_000,
    'Buyers are answered 503 while the event loop of this process is later than this.',
  ),
};
