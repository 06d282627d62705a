import { createScript } from './script.ts';

/** KEYS[1] is the sale in every script that begins with this. The times decide by Redis' own clock. */
const readNow = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local sale = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do sale[flat[i]] = flat[i + 1] end
local function isOver()
  return sale['hasEnded'] == '1' or (sale['endsMs'] ~= '' and tonumber(sale['endsMs']) <= now)
end
local starts = tonumber(sale['startsMs']) or 0
local needsTicket = sale['entry'] == 'ticket' or (sale['rate'] or '') ~= ''
`;

/**
 * KEYS[2] its buyers, [3] their entries, [4] the list of buyers, [5] tickets; ARGV stock, limit, startsMs, endsMs, entry,
 * rate ('' for none), a secret. Buyers begin anew with each sale, units stay.
 */
export const openSale = createScript(`${readNow}
local secret = table.remove(ARGV)
if ARGV[4] ~= '' and tonumber(ARGV[4]) <= now then return 'over' end
if sale['stock'] and not isOver() then
  local same = sale['opened'] == table.concat(ARGV, ' ')
  return same and 'repeat' or 'conflict'
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('HSET', KEYS[1], 'number', (tonumber(sale['number']) or 0) + 1, 'opened', table.concat(ARGV, ' '),
  'stock', ARGV[1], 'left', ARGV[1], 'sold', 0, 'givenBack', 0, 'returned', sale['returned'] or 0, 'limit', ARGV[2],
  'startsMs', ARGV[3], 'endsMs', ARGV[4], 'entry', ARGV[5], 'rate', ARGV[6], 'secret', secret, 'tickets', 0, 'nextMs', 0,
  'isPaused', 0, 'hasEnded', 0)
return 'opened'
`);

/** Returns now and the sale's fields. */
export const readSale = createScript(`${readNow}
return {now, flat}
`);

/** ARGV[1] the action or '', ARGV[2] units to add. Returns changed, ended, or nothing. */
export const changeSale = createScript(`${readNow}
if not sale['stock'] then return false end
if isOver() then return 'ended' end
if ARGV[1] == 'pause' then redis.call('HSET', KEYS[1], 'isPaused', 1) end
if ARGV[1] == 'resume' then redis.call('HSET', KEYS[1], 'isPaused', 0) end
if ARGV[1] == 'end' then redis.call('HSET', KEYS[1], 'hasEnded', 1) end
redis.call('HINCRBY', KEYS[1], 'stock', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'left', ARGV[2])
return 'changed'
`);

/**
 * KEYS[2] the list of buyers; ARGV[1] the number of the sale that the caller knows, ARGV[2] how many of its buyers, ARGV[3]
 * how many more he takes. Returns now, the sale's fields, how many buyers there are and those that come next.
 */
export const lookAtSale = createScript(`${readNow}
local from = sale['number'] == ARGV[1] and tonumber(ARGV[2]) or 0
return {now, flat, redis.call('LLEN', KEYS[2]), redis.call('LRANGE', KEYS[2], from, from + ARGV[3] - 1)}
`);

/**
 * Purchases one after the other, each all or nothing: a script that has begun to write runs to its end, also when its
 * caller is gone, and the one write that can fail comes first.
 * KEYS[2] units, [3] buyers, [4] the entry of each buyer, [5] idempotency keys, [6] the stream, [7] the list of buyers;
 * ARGV for each: user, his key or '', trace or '', the sale number of his ticket or '', when it admits him in ms.
 * Returns for each what became of it and the entry's id.
 */
export const buyUnits = createScript(`${readNow}
local closed = false
if not sale['stock'] then closed = 'SALE_UNKNOWN'
elseif isOver() then closed = 'ENDED'
elseif sale['isPaused'] == '1' then closed = 'PAUSED'
elseif starts > now then closed = 'NOT_STARTED' end
local limit = tonumber(sale['limit'])
local left, givenBack = tonumber(sale['left']), tonumber(sale['givenBack'])
local place

local function buy(user, key, trace, ticket, admitted)
  local known = key ~= '' and redis.call('HGET', KEYS[5], user .. ' ' .. key)
  if known then return 'repeat', known end
  local held = tonumber(redis.call('HGET', KEYS[3], user) or 0)
  if limit == 1 and held >= 1 then return 'repeat', redis.call('HGET', KEYS[4], user) end
  if closed then return closed, '' end
  if needsTicket then
    if ticket == '' then return 'TICKET_REQUIRED', '' end
    if ticket ~= sale['number'] then return 'TICKET_INVALID', '' end
    if tonumber(admitted) > now then return 'NOT_ADMITTED', '' end
  end
  if held >= limit then return 'LIMIT_REACHED', '' end
  if left + givenBack <= 0 then return 'SOLD_OUT', '' end
  local fields = {'uid', user, 'ts', clock[1]}
  if trace ~= '' then fields[5], fields[6] = 'traceparent', trace end
  local entry = redis.call('XADD', KEYS[6], '*', unpack(fields))
  if left > 0 then
    left = redis.call('HINCRBY', KEYS[1], 'left', -1)
  else
    givenBack = redis.call('HINCRBY', KEYS[1], 'givenBack', -1)
  end
  redis.call('HINCRBY', KEYS[1], 'sold', 1)
  if not place then
    local stream = redis.call('XINFO', 'STREAM', KEYS[6])
    for i = 1, #stream, 2 do if stream[i] == 'entries-added' then place = stream[i + 1] end end
  else
    place = place + 1
  end
  redis.call('HSET', KEYS[2], entry, sale['number'] .. ':' .. user .. ':' .. (place or ''))
  redis.call('HINCRBY', KEYS[3], user, 1)
  redis.call('HSET', KEYS[4], user, entry)
  redis.call('RPUSH', KEYS[7], user)
  if key ~= '' then redis.call('HSET', KEYS[5], user .. ' ' .. key, entry) end
  return 'accepted', entry
end

local answers = {}
for i = 1, #ARGV, 5 do
  answers[#answers + 1], answers[#answers + 2] = buy(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
return answers
`);

/**
 * Puts units back, each once: a unit that was given back keeps its place in the hash with a minus before it. A unit is
 * `<sale number>:<buyer>:<how many entries the stream had had>`; one of an earlier sale changes no counter but `returned`.
 * A script that fails keeps what it has written, so everything is checked before the first write of a unit, and the one
 * write that a user's permissions can still refuse is undone.
 * KEYS[1] the sale, KEYS[2] units, KEYS[3] buyers; ARGV the entry ids. Returns for each 1 when it is given back, by this
 * call or an earlier one, 0 when it was not sold here, or why it cannot be given back.
 */
export const giveBackUnits = createScript(`
local current, sold, givenBack, returned = unpack(redis.call('HMGET', KEYS[1], 'number', 'sold', 'givenBack', 'returned'))
redis.call('HGET', KEYS[3], '')

local function isWhole(value) return not value or (#value < 18 and string.find(value, '^-?%d+$') ~= nil) end

local function giveBack(entry, unit)
  local number, buyer = string.match(unit, '^(%d+):(%d+)')
  if not number then return 'the unit is damaged: ' .. string.sub(unit, 1, 60) end
  local isCurrent = number == current
  if not isWhole(returned) or (isCurrent and not (isWhole(sold) and isWhole(givenBack))) then
    return 'a counter of the sale is not a whole number'
  end
  if isCurrent and not isWhole(redis.call('HGET', KEYS[3], buyer)) then
    return 'the count of buyer ' .. buyer .. ' is not a whole number'
  end
  redis.call('HINCRBY', KEYS[1], 'returned', 1)
  local marked = redis.pcall('HSET', KEYS[2], entry, '-' .. unit)
  if type(marked) == 'table' and marked.err then
    redis.call('HINCRBY', KEYS[1], 'returned', -1)
    return marked.err
  end
  if isCurrent then
    redis.call('HINCRBY', KEYS[1], 'sold', -1)
    redis.call('HINCRBY', KEYS[1], 'givenBack', 1)
    if redis.call('HINCRBY', KEYS[3], buyer, -1) <= 0 then redis.pcall('HDEL', KEYS[3], buyer) end
  end
  return 1
end

local answers = {}
for i, entry in ipairs(ARGV) do
  local unit = redis.call('HGET', KEYS[2], entry)
  if not unit then answers[i] = 0
  elseif string.sub(unit, 1, 1) == '-' then answers[i] = 1
  else answers[i] = giveBack(entry, unit) end
end
return answers
`);

/**
 * KEYS[2] tickets; ARGV[1] the user, ARGV[2] which of his units. The waiting room is one number: when the next visitor is
 * admitted; each takes it and moves it on by the time between two. Returns what became of it, the sale's number, when the
 * ticket admits in ms, and the sale's secret.
 */
export const giveTicket = createScript(`${readNow}
if not sale['stock'] then return {'SALE_UNKNOWN'} end
if isOver() then return {'ENDED'} end
if not needsTicket then return {'TICKETS_UNUSED'} end
local holder = ARGV[1] .. ' ' .. ARGV[2]
local admitted = redis.call('HGET', KEYS[2], holder)
local kind = 'repeat'
if not admitted then
  if tonumber(ARGV[2]) > tonumber(sale['limit']) then return {'LIMIT_REACHED'} end
  if sale['entry'] == 'ticket' and starts <= now then return {'TICKETS_CLOSED'} end
  local slot = math.max(now, starts)
  if sale['rate'] ~= '' then
    slot = math.max(slot, tonumber(sale['nextMs']))
    redis.call('HSET', KEYS[1], 'nextMs', string.format('%.3f', slot + 1000 / tonumber(sale['rate'])))
  end
  admitted, kind = string.format('%d', math.ceil(slot)), 'given'
  redis.call('HSET', KEYS[2], holder, admitted)
  redis.call('HINCRBY', KEYS[1], 'tickets', 1)
end
return {kind, sale['number'], admitted, sale['secret']}
`);
