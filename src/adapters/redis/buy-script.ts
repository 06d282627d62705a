import { readNow } from './sale-scripts.ts';
import { createScript } from './script.ts';

/**
 * Handles purchases one after the other, each all or nothing: a script that has begun to write runs to its
 * end, even when its caller is gone. The entries are the first writes; everything else is written once for
 * the whole batch at the end. All keys are read before that, so a key of the wrong type fails the script
 * before it has written anything.
 *
 * The id of an entry consists of its time and a random number of the caller, so no id occurs twice, whatever
 * happens to the clock of Redis or to its latest writes.
 *
 * KEYS[2] units, [3] buyers, [4] the last entry of each buyer, [5] idempotency keys, [6] the stream, [7] the
 * list of buyers, [8] used tickets; ARGV[1] the random number, then for each buyer: user, idempotency key or
 * '', trace or '', the sale number of the ticket or '', its unit, its admission time in ms. Returns the
 * result and the entry id of each.
 */
const buyLua = `${readNow}
local closed = false
if sale['rebuild'] then closed = 'REBUILDING'
elseif not sale['stock'] then closed = 'SALE_NOT_FOUND'
elseif isOver() then closed = 'ENDED'
elseif sale['isPaused'] == '1' then closed = 'PAUSED'
elseif starts > now then closed = 'NOT_STARTED' end
local number, limit = sale['number'], tonumber(sale['limit'])
local remaining, restocked = tonumber(sale['remaining']), tonumber(sale['restocked'])
local nth, sold = tonumber(sale['nth']), tonumber(sale['sold'])

local users = {}
for i = 2, #ARGV, 6 do users[#users + 1] = ARGV[i] end
local counts = redis.call('HMGET', KEYS[3], unpack(users))
local lasts = redis.call('HMGET', KEYS[4], unpack(users))
redis.call('HGET', KEYS[2], '')
redis.call('LLEN', KEYS[7])
local held, last, userNth = {}, {}, {}
for i, user in ipairs(users) do
  held[user] = tonumber(counts[i] or 0)
  last[user], userNth[user] = '', 0
  if lasts[i] then
    local entry, bought = string.match(lasts[i], '^(%S+) (%d+)$')
    last[user], userNth[user] = entry, tonumber(bought)
  end
end

local failed
local prefix, before
local added = 0

-- Ids of one millisecond grow by a random step. If the stream is ahead of the clock, its last time is used.
local function choosePrefix()
  local stream = redis.pcall('XINFO', 'STREAM', KEYS[6])
  if stream['err'] and not string.find(stream['err'], 'no such key', 1, true) then return stream end
  local lastMs, lastNumber = 0, '0'
  for i = 1, #stream, 2 do
    if stream[i] == 'last-generated-id' then lastMs, lastNumber = string.match(stream[i + 1], '^(%d+)-(%d+)$') end
    if stream[i] == 'entries-added' then before = stream[i + 1] end
  end
  local ms, random = now, tonumber(ARGV[1])
  if tonumber(lastMs) >= now then
    ms = tonumber(lastMs)
    local taken = tonumber(string.sub(lastNumber, 1, -5)) or 0
    if taken < 281474976710656 then random = taken + 1 + random % 16777216 else ms = ms + 1 end
  end
  if stream['err'] then before = 0 end
  prefix = string.format('%d-%d', ms, random)
end

local function addEntry(fields)
  failed = not prefix and choosePrefix()
  added = added + 1
  local entry = failed or redis.pcall('XADD', KEYS[6], prefix .. string.format('%04d', added), unpack(fields))
  if type(entry) ~= 'table' then return entry end
  failed, closed = entry, 'FAILED'
end

local entries, buyers = {}, {}
local newKeys, newUsed = {}, {}

local function findUsed(used, ticket)
  local bought = newUsed[used]
  if bought then return bought end
  bought = redis.call('HGET', KEYS[8], used)
  local unit = bought and redis.call('HGET', KEYS[2], bought)
  -- When its unit was restocked, a ticket is valid for another one while the sale is open.
  local isBack = unit and string.sub(unit, 1, 1) == '-' and ticket == number
  return not (isBack and not closed) and bought
end

local function buy(user, key, trace, ticket, ticketUnit, admitted)
  local used = ticket ~= '' and ticket .. '.' .. user .. '.' .. ticketUnit
  local named = not used and key ~= '' and user .. ' ' .. key
  local bought = used and findUsed(used, ticket)
  if named then bought = newKeys[named] or redis.call('HGET', KEYS[5], named) end
  if bought then return 'repeat', bought end
  if limit == 1 and held[user] >= 1 then return 'repeat', last[user] end
  if closed then return closed, '' end
  if needsTicket then
    if ticket == '' then return 'TICKET_REQUIRED', '' end
    if ticket ~= number then return 'TICKET_INVALID', '' end
    if tonumber(admitted) > now then return 'NOT_ADMITTED', '' end
  end
  if held[user] >= limit then return 'LIMIT_REACHED', '' end
  if remaining + restocked <= 0 then return 'SOLD_OUT', '' end
  local unit = string.format('%s.%d.%d', number, nth + 1, userNth[user] + 1)
  if needsTicket then unit = unit .. '.' .. ticketUnit end
  local fields = {'uid', user, 'ts', clock[1], 'unit', unit}
  if trace ~= '' then fields[#fields + 1] = 'traceparent' fields[#fields + 1] = trace end
  if named then fields[#fields + 1] = 'key' fields[#fields + 1] = key end
  local entry = addEntry(fields)
  if not entry then return closed, '' end
  nth, sold = nth + 1, sold + 1
  if remaining > 0 then remaining = remaining - 1 else restocked = restocked - 1 end
  held[user], last[user], userNth[user] = held[user] + 1, entry, userNth[user] + 1
  entries[#entries + 1], buyers[#buyers + 1] = entry, user
  if used then newUsed[used] = entry elseif named then newKeys[named] = entry end
  return 'accepted', entry
end

local function setAll(key, pairsOf)
  local flat = {}
  for name, value in pairs(pairsOf) do flat[#flat + 1] = name flat[#flat + 1] = value end
  if #flat > 0 then redis.call('HSET', key, unpack(flat)) end
end

local function record()
  redis.call('HSET', KEYS[1], 'nth', nth, 'sold', sold, 'remaining', remaining, 'restocked', restocked)
  local units, bought, latest = {}, {}, {}
  for i, entry in ipairs(entries) do
    local user = buyers[i]
    units[entry] = number .. ':' .. user .. ':' .. (before and before + i or '')
    bought[user] = held[user]
    latest[user] = last[user] .. ' ' .. string.format('%d', userNth[user])
  end
  setAll(KEYS[2], units)
  setAll(KEYS[3], bought)
  setAll(KEYS[4], latest)
  redis.call('RPUSH', KEYS[7], unpack(buyers))
  setAll(KEYS[8], newUsed)
  setAll(KEYS[5], newKeys)
end

local answers = {}
for i = 2, #ARGV, 6 do
  answers[#answers + 1], answers[#answers + 2] = buy(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
end
if #entries > 0 then record() end
return failed or answers
`;

export const buyUnits = createScript(buyLua);

/**
 * Same as `buyUnits`, plus a check in the same step that Redis writes an append-only file; without one it
 * sells nothing.
 */
export const buyUnitsOnDisk = createScript(`
local disk = redis.call('INFO', 'persistence')
if not string.find(disk, 'aof_enabled:1') then
  return redis.error_reply('NOFSYNC appendonly is off')
end
if not string.find(disk, 'aof_last_write_status:ok') then
  return redis.error_reply('NOFSYNC the append-only file cannot be written')
end
${buyLua}`);
