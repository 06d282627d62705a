import type { Redis } from 'ioredis';
import { keepAnswer } from '../lib/keep-answer.ts';
import type { Backlog } from '../watch/now.ts';
import { withDeadline } from './connect.ts';
import { listStreams } from './stream-readings.ts';

const group = 'weir';
/** Whoever looks at the page waits no longer for a Redis that hangs. */
const answerDeadlineMs = 2_000;
/** The list goes through all keys of Redis, a thousand at a time. */
const listedForMs = 10_000;
const listingShareOfTime = 0.02;

/** Entries of every seckill stream that are not acknowledged, and when the oldest was added: its id says so. */
export function redisStreamBacklog(redis: Redis): () => Promise<Backlog> {
  const list = keepAnswer(() => listStreams(redis), { forMs: listedForMs, shareOfTime: listingShareOfTime });
  return async () => {
    let count: number | null = 0;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const stream of await list()) {
      const reply = redis.eval(readStreamBacklog, 1, stream, group) as Promise<[number, string]>;
      const [waiting, oldest] = await withDeadline(redis, answerDeadlineMs, reply);
      count = waiting < 0 || count === null ? null : count + waiting;
      if (oldest !== '') oldestMs = Math.min(oldestMs, Number(oldest.split('-')[0]));
    }
    return { count, oldestAt: Number.isFinite(oldestMs) ? new Date(oldestMs) : null };
  };
}

/**
 * KEYS[1] the stream; ARGV[1] the group. Returns how many entries are not finished (-1 where Redis does not know) and the
 * id of the oldest of them, or ''.
 */
const readStreamBacklog = `
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, ''} end
local group = {['last-delivered-id'] = '0-0', pending = 0, lag = redis.call('XLEN', KEYS[1])}
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local each = {}
  for i = 1, #flat, 2 do each[flat[i]] = flat[i + 1] end
  if each['name'] == ARGV[1] then group = each end
end
local oldest = ''
if group['pending'] > 0 then
  oldest = redis.call('XPENDING', KEYS[1], ARGV[1])[2]
else
  local after = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', 1)
  if after[1] then oldest = after[1][1] end
end
if oldest == '' then return {0, ''} end
if type(group['lag']) ~= 'number' then return {-1, oldest} end
return {group['pending'] + group['lag'], oldest}
`;
