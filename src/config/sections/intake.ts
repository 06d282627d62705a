import { integer, setting } from '../setting.ts';

/** Streams in, events out. */
export const intakeSettings = {
  batchSize: setting(
    'seckill.batchSize',
    integer(1, 500),
    500,
    'an integer from 1 to 500',
    'Stream entries in one commit at most. Lower it when commits take longer than a second.',
  ),
  minIdleMs: setting(
    'seckill.minIdleMs',
    integer(100, 86_400_000),
    60_000,
    'milliseconds, 100 to 86400000',
    "After this long without an acknowledgement another consumer's entry is taken over.",
  ),
  lanes: setting(
    'outbox.lanes',
    integer(1, 16),
    2,
    'an integer from 1 to 16',
    'Relay loops of this process. Raise it when a distant broker keeps a backlog; each holds a database connection.',
  ),
  highWater: setting(
    'outbox.highWater',
    integer(1, 1_000_000_000),
    200_000,
    'an integer from 1',
    'With this many events waiting, streams are not read and HTTP answers 503.',
  ),
};
