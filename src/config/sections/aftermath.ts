import { aDayMs, duration, durationOrNever, integer, matching, setting } from '../setting.ts';

/** What happens after an instance was published, and when the old goes. */
export const aftermathSettings = {
  expireOrdersAfterMs: durationOrNever(
    'orders.expireAfterMs',
    1_000,
    aDayMs,
    'An order unpaid for this long expires; a later payment is refunded. 0: never.',
  ),
  overdueDeadlineMs: duration(
    'overdue.deadlineMs',
    100,
    600_000,
    'An instance without a result for this long is republished, then after twice the time, and so on.',
  ),
  maxPublications: setting(
    'overdue.maxPublications',
    integer(1, 20),
    4,
    'an integer from 1 to 20',
    'After so many publications without a result an instance is FAILED with reason TIMEOUT.',
  ),
  auditEveryMs: durationOrNever(
    'audit.everyMs',
    1_000,
    60_000,
    'How often the sums are computed for the metrics. 0: only when asked.',
  ),
  archiveAfterMs: durationOrNever(
    'cleaning.archiveAfterMs',
    aDayMs,
    0,
    'Instances settled this long ago go to files. Their identities stay in the database. 0: never.',
  ),
  archiveFolder: setting(
    'cleaning.archiveFolder',
    matching(/./),
    'archive',
    'a folder',
    'Where the archive is written, as compressed JSON lines.',
  ),
  parkedKeptMs: durationOrNever(
    'cleaning.parkedAfterMs',
    aDayMs,
    30 * aDayMs,
    'Parked items that were replayed or discarded this long ago are removed. 0: never.',
  ),
  idempotencyKeptMs: durationOrNever(
    'cleaning.idempotencyAfterMs',
    aDayMs,
    0,
    'Idempotency keys of orders this old, unless pending, are forgotten. 0: never.',
  ),
};
