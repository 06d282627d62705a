/**
 * Trims below what every group has finished: the oldest pending entry of each group, or its last delivered one when
 * nothing is pending. Ids are compared as text because a Lua number holds only 53 bits.
 * KEYS[1] the stream; ARGV[1] the id below which entries are old enough to go. Returns how many went.
 */
export const trimFinished = `
local function before(a, b)
  local ams, aseq = string.match(a, '^(%d+)-(%d+)$')
  local bms, bseq = string.match(b, '^(%d+)-(%d+)$')
  if #ams ~= #bms then return #ams < #bms end
  if ams ~= bms then return ams < bms end
  if #aseq ~= #bseq then return #aseq < #bseq end
  return aseq < bseq
end
local bound = ARGV[1]
local groups = redis.call('XINFO', 'GROUPS', KEYS[1])
if #groups == 0 then return 0 end
for _, flat in ipairs(groups) do
  local group = {}
  for i = 1, #flat, 2 do group[flat[i]] = flat[i + 1] end
  local needed = group['last-delivered-id']
  if group['pending'] > 0 then needed = redis.call('XPENDING', KEYS[1], group['name'])[2] end
  if before(needed, bound) then bound = needed end
end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', bound)
`;

/**
 * Deletes a consumer only while nothing is pending for it: its pending entries would be lost with it.
 * KEYS[1] the stream; ARGV[1] the group; ARGV[2] the consumer. Returns 1 when it was deleted.
 */
export const deleteIdleConsumer = `
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #flat, 2 do consumer[flat[i]] = flat[i + 1] end
  if consumer['name'] == ARGV[2] and consumer['pending'] == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 1
  end
end
return 0
`;

/**
 * Puts units back, each once: a unit that was given back keeps its place in the hash with a minus before its buyer.
 * KEYS[1] counters, KEYS[2] units, KEYS[3] buyers; ARGV the entry ids. Returns for each 1 when it is given back, by this
 * call or an earlier one, 0 when it was not sold here.
 */
export const giveBackUnits = `
local answers = {}
for i, entry in ipairs(ARGV) do
  local buyer = redis.call('HGET', KEYS[2], entry)
  answers[i] = buyer and 1 or 0
  if buyer and string.sub(buyer, 1, 1) ~= '-' then
    redis.call('HSET', KEYS[2], entry, '-' .. buyer)
    redis.call('HINCRBY', KEYS[1], 'sold', -1)
    redis.call('HINCRBY', KEYS[1], 'givenBack', 1)
    redis.call('HINCRBY', KEYS[1], 'returned', 1)
    if redis.call('HINCRBY', KEYS[3], buyer, -1) <= 0 then redis.call('HDEL', KEYS[3], buyer) end
  end
end
return answers
`;

/**
 * KEYS[1] the stream; ARGV[1] the group. Returns entries ever added (-1 where Redis does not count them), the last
 * delivered id, how many entries come after it (-1 where Redis does not know), the last id there is, and the ids that are
 * pending, all of one moment.
 */
export const readStreamFigures = `
local function toMap(flat)
  local map = {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end
local stream = toMap(redis.call('XINFO', 'STREAM', KEYS[1]))
local last = stream['last-generated-id']
local added = stream['entries-added'] or -1
local group
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local each = toMap(flat)
  if each['name'] == ARGV[1] then group = each end
end
if not group then return {added, '0-0', stream['length'], last, {}} end
local pending = {}
if added >= 0 and group['pending'] > 0 then
  for _, each in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', group['pending'])) do
    pending[#pending + 1] = each[1]
  end
end
local lag = group['lag']
if type(lag) ~= 'number' then lag = -1 end
return {added, group['last-delivered-id'], lag, last, pending}
`;
