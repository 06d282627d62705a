import { integer, setting } from '../setting.ts';

/** Streams in, events out. */
export const intakeSettings = {
  batchSize: setting(
    'seckill.batchSize',
    integer(1, 500),
    500,
    'an integer from 1 to 500',
    'Stream entries in one commit at most.',
  ),
  commitsInFlight: setting(
    'seckill.commitsInFlight',
    integer(1, 16),
    3,
    'an integer from 1 to 16',
    'Commits under way at the same time at most.',
  ),
  minIdleMs: setting(
    'seckill.minIdleMs',
    integer(100, 86_400_000),
    60_000,
    'milliseconds, 100 to 86400000',
    "After this long without an acknowledgement another consumer's entry is taken over.",
  ),
  maxDeliveries: setting(
    'seckill.maxDeliveries',
    integer(2, 1000),
    16,
    'an integer from 2 to 1000',
    'An entry handed out more often is processed alone; it is parked when the process ends three times on it.',
  ),
  keepFinishedMs: setting(
    'seckill.keepFinishedMs',
    integer(0, 31_536_000_000),
    900_000,
    'milliseconds',
    'Finished entries stay on the stream for this long.',
  ),
  lanes: setting(
    'outbox.lanes',
    integer(1, 16),
    2,
    'an integer from 1 to 16',
    'Relay loops in this process.',
  ),
  windowEvents: setting(
    'outbox.windowEvents',
    integer(1, 100_000),
    2_000,
    'an integer from 1 to 100000',
    'Events that one lane has unconfirmed at a time, about.',
  ),
  confirmDeadlineMs: setting(
    'outbox.confirmDeadlineMs',
    integer(100, 600_000),
    30_000,
    'milliseconds, 100 to 600000',
    'A broker that has not confirmed by then is reconnected.',
  ),
  highWater: setting(
    'outbox.highWater',
    integer(1, 1_000_000_000),
    200_000,
    'an integer from 1',
    'With this many events waiting, streams are not read and HTTP answers 503.',
  ),
};
