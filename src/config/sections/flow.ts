import { aDayMs, advanced, count, duration, durationOrNever, matching, setting } from '../setting.ts';

// The sections of a purchase's path.

export const seckillSettings = {
  batchSize: advanced(
    count(1, 500, 500, 'Stream entries in one commit. Lower it when commits take longer than a second.'),
  ),
  minIdleMs: advanced(
    duration(
      100,
      60_000,
      'An entry of another consumer is taken over when it was not acknowledged for this long. Raise it when a commit can take longer.',
      aDayMs,
    ),
  ),
};

export const outboxSettings = {
  highWater: count(
    1,
    1_000_000_000,
    200_000,
    'With this many events waiting, streams are not read and HTTP answers 503. Raise it to take more purchases during a long outage of the broker.',
  ),
  lanes: advanced(
    count(
      1,
      16,
      2,
      'Relay loops of this process, each with a database connection. Raise it when a distant broker keeps a backlog.',
    ),
  ),
};

export const orderSettings = {
  expireAfterMs: durationOrNever(
    1_000,
    aDayMs,
    'An order unpaid for this long expires; a later payment is refunded. 0 disables it. Set it to the time your checkout gives buyers.',
  ),
};

export const overdueSettings = {
  deadlineMs: duration(
    100,
    600_000,
    'An instance without a result for this long is republished, then after twice the time, and so on. Set it to the time that the Resource Domain needs for its slowest machine.',
  ),
  maxPublications: advanced(
    count(
      1,
      20,
      4,
      'After this many publications without a result the instance is FAILED with reason TIMEOUT. Lower it to refund buyers sooner.',
    ),
  ),
};

export const auditSettings = {
  everyMs: advanced(
    durationOrNever(
      1_000,
      60_000,
      'Interval of the audit for the metrics. 0: only on request. Raise it when its queries load the database.',
    ),
  ),
};

export const cleaningSettings = {
  archiveAfterMs: durationOrNever(
    aDayMs,
    0,
    'Instances settled this long ago move to files; their identities stay in the database. 0 disables it. Set it when the table outgrows the disk.',
  ),
  parkedAfterMs: durationOrNever(
    aDayMs,
    30 * aDayMs,
    'Age at which replayed and discarded parked items, and ended jobs over them, are removed. 0 disables it. Raise it when you must keep evidence longer.',
  ),
  activityAfterMs: durationOrNever(
    30 * aDayMs,
    400 * aDayMs,
    'Records of the activity log are removed at this age. 0 keeps them all. Raise it when an auditor asks for more than a year.',
  ),
  archiveFolder: advanced(
    setting(
      matching(/./),
      'archive',
      'a folder',
      'Folder of the archive, as compressed JSON lines. Set it together with cleaning.archiveAfterMs.',
    ),
  ),
  idempotencyAfterMs: advanced(
    durationOrNever(
      aDayMs,
      0,
      'Idempotency keys of orders older than this are removed, unless pending. 0 disables it. Set it when orders are kept for years.',
    ),
  ),
};
