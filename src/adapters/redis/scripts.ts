/**
 * Trims below what every group has finished: the oldest pending entry of each group, or its last delivered
 * one when nothing is pending. Ids are compared as text because a Lua number holds only 53 bits. KEYS[1] the
 * stream; ARGV[1] the id below which entries are old enough to trim. Returns how many were trimmed.
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
 * Deletes a consumer only while nothing is pending for it, because its pending entries would be lost with it.
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
 * Deletes consumers that have not read for a long time and have nothing pending. A live one is created again
 * by its next read. KEYS[1] the stream; ARGV[1] the group; ARGV[2] milliseconds. Returns how many were
 * deleted.
 */
export const deleteIdleConsumers = `
local deleted = 0
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #flat, 2 do consumer[flat[i]] = flat[i + 1] end
  if consumer['pending'] == 0 and consumer['idle'] > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    deleted = deleted + 1
  end
end
return deleted
`;

/**
 * KEYS[1] the stream; ARGV[1] the group. Returns entries ever added (-1 where Redis does not count them), the
 * last delivered id, the number of entries after it (-1 when unknown), the last id, and the pending ids, all
 * of one moment.
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
