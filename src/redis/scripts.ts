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
 * Puts units back, each once: a unit that was given back keeps its place in the hash with a minus before it. A unit is
 * `<sale number>:<buyer>`; one of an earlier sale changes no counter but `returned`.
 * KEYS[1] counters, KEYS[2] units, KEYS[3] buyers; ARGV the entry ids. Returns for each 1 when it is given back, by this
 * call or an earlier one, 0 when it was not sold here.
 */
export const giveBackUnits = `
local answers = {}
for i, entry in ipairs(ARGV) do
  local unit = redis.call('HGET', KEYS[2], entry)
  answers[i] = unit and 1 or 0
  if unit and string.sub(unit, 1, 1) ~= '-' then
    local number, buyer = string.match(unit, '^(%d+):(.+)$')
    redis.call('HSET', KEYS[2], entry, '-' .. unit)
    redis.call('HINCRBY', KEYS[1], 'returned', 1)
    if number == redis.call('HGET', KEYS[1], 'number') then
      redis.call('HINCRBY', KEYS[1], 'sold', -1)
      redis.call('HINCRBY', KEYS[1], 'givenBack', 1)
      if redis.call('HINCRBY', KEYS[3], buyer, -1) <= 0 then redis.call('HDEL', KEYS[3], buyer) end
    end
  end
end
return answers
`;

const nowMs = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local sale = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do sale[flat[i]] = flat[i + 1] end
local function isOver()
  return sale['hasEnded'] == '1' or (sale['endsMs'] ~= '' and tonumber(sale['endsMs']) <= now)
end
`;

/**
 * KEYS[1] the sale, KEYS[2] its buyers, KEYS[3] their entries; ARGV stock, limit, startsMs, endsMs ('' for none). The
 * times decide by Redis' own clock. Buyers begin anew with each sale, units stay.
 */
export const openSale = `${nowMs}
if ARGV[4] ~= '' and tonumber(ARGV[4]) <= now then return 'over' end
if sale['stock'] and not isOver() then
  local same = sale['opened'] == table.concat(ARGV, ' ')
  return same and 'repeat' or 'conflict'
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'number', (tonumber(sale['number']) or 0) + 1, 'opened', table.concat(ARGV, ' '),
  'stock', ARGV[1], 'left', ARGV[1], 'sold', 0, 'givenBack', 0, 'returned', sale['returned'] or 0, 'limit', ARGV[2],
  'startsMs', ARGV[3], 'endsMs', ARGV[4], 'isPaused', 0, 'hasEnded', 0)
return 'opened'
`;

/** KEYS[1] the sale. Returns now and the sale's fields. */
export const readSale = `${nowMs}
return {now, flat}
`;

/** KEYS[1] the sale; ARGV[1] the action or '', ARGV[2] units to add. Returns changed, ended, or nothing. */
export const changeSale = `${nowMs}
if not sale['stock'] then return false end
if isOver() then return 'ended' end
if ARGV[1] == 'pause' then redis.call('HSET', KEYS[1], 'isPaused', 1) end
if ARGV[1] == 'resume' then redis.call('HSET', KEYS[1], 'isPaused', 0) end
if ARGV[1] == 'end' then redis.call('HSET', KEYS[1], 'hasEnded', 1) end
redis.call('HINCRBY', KEYS[1], 'stock', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'left', ARGV[2])
return 'changed'
`;

/**
 * One purchase, all or nothing: a script that has begun to write runs to its end, also when its caller is gone.
 * KEYS[1] the sale, KEYS[2] units, KEYS[3] buyers, KEYS[4] the entry of each buyer, KEYS[5] idempotency keys, KEYS[6] the
 * stream; ARGV[1] the user, ARGV[2] his key or '', ARGV[3] the trace or ''. Returns what became of it and the entry's id.
 */
export const buyUnit = `${nowMs}
if not sale['stock'] then return {'SALE_UNKNOWN'} end
local user, key = ARGV[1], ARGV[2]
local known = key ~= '' and redis.call('HGET', KEYS[5], user .. ' ' .. key)
if known then return {'repeat', known} end
local held = tonumber(redis.call('HGET', KEYS[3], user) or 0)
local limit = tonumber(sale['limit'])
if limit == 1 and held >= 1 then return {'repeat', redis.call('HGET', KEYS[4], user)} end
if isOver() then return {'ENDED'} end
if sale['isPaused'] == '1' then return {'PAUSED'} end
if sale['startsMs'] ~= '' and tonumber(sale['startsMs']) > now then return {'NOT_STARTED'} end
if held >= limit then return {'LIMIT_REACHED'} end
local from = 'left'
if tonumber(sale['left']) <= 0 then from = 'givenBack' end
if tonumber(sale[from]) <= 0 then return {'SOLD_OUT'} end
local fields = {'uid', user, 'ts', clock[1]}
if ARGV[3] ~= '' then fields[5], fields[6] = 'traceparent', ARGV[3] end
local entry = redis.call('XADD', KEYS[6], '*', unpack(fields))
redis.call('HINCRBY', KEYS[1], from, -1)
redis.call('HINCRBY', KEYS[1], 'sold', 1)
redis.call('HSET', KEYS[2], entry, sale['number'] .. ':' .. user)
redis.call('HINCRBY', KEYS[3], user, 1)
redis.call('HSET', KEYS[4], user, entry)
if key ~= '' then redis.call('HSET', KEYS[5], user .. ' ' .. key, entry) end
return {'accepted', entry}
`;

/**
 * KEYS[1] the stream; ARGV[1] the group. Returns how many entries are not finished (-1 where Redis does not know) and the
 * id of the oldest of them, or ''.
 */
export const readStreamBacklog = `
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
