import type { Redis } from 'ioredis';
import type { StreamPositions } from '../../sale/purchase-progress.ts';
import { askSale } from './ask-sale.ts';
import { saleKeys } from './sale-keys.ts';
import { createScript } from './script.ts';

const answerDeadlineMs = 2_000;

/**
 * KEYS[1] the stream, KEYS[2] its units; ARGV[1] the group, then entry ids. Returns how many entries were
 * delivered to the group (-1 where Redis does not count them), the last delivered id, and for each id its
 * unit: '' when it has none, false when it is not on the stream.
 */
const locateEntries = createScript(`
local delivered, last = 0, '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local group = {}
    for i = 1, #flat, 2 do group[flat[i]] = flat[i + 1] end
    if group['name'] == ARGV[1] then
      last = group['last-delivered-id']
      delivered = type(group['entries-read']) == 'number' and group['entries-read'] or -1
    end
  end
end
local answer = {delivered, last}
for i = 2, #ARGV do
  if #redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i]) > 0 then
    answer[i + 1] = redis.call('HGET', KEYS[2], ARGV[i]) or ''
  else
    answer[i + 1] = false
  end
end
return answer
`);

export function redisStreamPositions(redis: Redis): StreamPositions {
  return {
    async locate(stream, ids) {
      const { units } = saleKeys(stream);
      const [delivered, last, ...found] = await askSale<[number, string, ...(string | null)[]]>(
        redis,
        answerDeadlineMs,
        locateEntries(redis, [stream, units], 'weir', ...ids),
      );
      return {
        delivered: delivered < 0 ? undefined : delivered,
        lastDeliveredMs: Number(last.split('-')[0]),
        entries: found.map((unit) => (unit === null ? undefined : { nth: readNth(unit) })),
      };
    },
  };
}

/** `<sale number>:<buyer>:<nth entry of the stream>` */
function readNth(unit: string): number | undefined {
  const nth = unit.split(':')[2];
  return nth ? Number(nth) : undefined;
}
