import { createScript } from './script.ts';

/** In every script that begins with this, KEYS[1] is the sale. Times are compared with the clock of Redis. */
export const readNow = `
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
 * KEYS[2] its buyers, [3] their entries, [4] the list of buyers, [5] tickets, [6] idempotency keys; ARGV
 * number, version, stock, limit, startsMs, endsMs, entry, rate ('' for none), secret, life. A sale newer than
 * the current one replaces it: buyers, tickets and keys start empty, units are kept. UNLINK, because a DEL of
 * millions of fields blocks Redis for seconds. Returns opened, or older when a sale with this number or a
 * newer one exists.
 */
export const openSale = createScript(`${readNow}
if sale['stock'] and tonumber(sale['number']) >= tonumber(ARGV[1]) then return 'older' end
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
redis.call('HSET', KEYS[1], 'number', ARGV[1], 'version', ARGV[2], 'stock', ARGV[3], 'remaining', ARGV[3], 'nth', 0, 'sold', 0,
  'restocked', 0, 'returned', sale['returned'] or 0, 'limit', ARGV[4], 'startsMs', ARGV[5], 'endsMs', ARGV[6],
  'entry', ARGV[7], 'rate', ARGV[8], 'secret', ARGV[9], 'life', ARGV[10], 'tickets', 0, 'nextMs', 0,
  'isPaused', 0, 'hasEnded', 0)
redis.call('HDEL', KEYS[1], 'rebuild', 'rebuildAt')
return 'opened'
`);

/**
 * ARGV number, version, stock, isPaused, hasEnded: the terms in the database. An older version changes
 * nothing, so changes may arrive in any order. Returns 1 when these terms or newer ones are in place.
 */
export const applyTerms = createScript(`${readNow}
if not sale['stock'] or sale['number'] ~= ARGV[1] then return 0 end
if tonumber(sale['version']) >= tonumber(ARGV[2]) then return 1 end
redis.call('HINCRBY', KEYS[1], 'remaining', ARGV[3] - sale['stock'])
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'stock', ARGV[3], 'isPaused', ARGV[4], 'hasEnded', ARGV[5])
return 1
`);

/**
 * KEYS[2] the list of buyers; ARGV[1] the life of the sale that the caller knows, ARGV[2] how many of its
 * buyers it knows, ARGV[3] the last of them, ARGV[4] how many more to return. A sale that lost its latest
 * buyers has fewer, or another buyer at that position. Returns the time, the sale's fields, the number of
 * buyers, the index of the first returned buyer, and the buyers.
 */
export const readSaleAndBuyers = createScript(`${readNow}
local count = redis.call('LLEN', KEYS[2])
local from = tonumber(ARGV[2])
if sale['life'] ~= ARGV[1] or from > count
  or from > 0 and redis.call('LINDEX', KEYS[2], from - 1) ~= ARGV[3] then from = 0 end
local take = tonumber(ARGV[4])
local buyers = take > 0 and redis.call('LRANGE', KEYS[2], from, from + take - 1) or {}
return {now, flat, count, from, buyers}
`);

/**
 * Restocks units, each once: a restocked unit keeps its field in the hash, with a minus in front. A unit is
 * `<sale number>:<buyer>:<entries that the stream had had>`; a unit of an earlier sale changes no counter but
 * `returned`. A script that fails keeps what it has written, so everything is checked before the first write
 * of a unit, and the one write that the user's permissions can still refuse is undone. KEYS[1] the sale,
 * KEYS[2] units, KEYS[3] buyers; ARGV the entry ids. Returns for each entry 1 when it is restocked, by this
 * or an earlier call, 0 when it was not sold here, or the reason why it cannot be restocked.
 */
export const restockUnits = createScript(`
if redis.call('HGET', KEYS[1], 'rebuild') then return redis.error_reply('TRYAGAIN the sale is being rebuilt') end
local current, sold, restocked, returned = unpack(redis.call('HMGET', KEYS[1], 'number', 'sold', 'restocked', 'returned'))
redis.call('HGET', KEYS[3], '')

local function isWhole(value) return not value or (#value < 18 and string.find(value, '^-?%d+$') ~= nil) end

local function restock(entry, unit)
  local number, buyer = string.match(unit, '^(%d+):(%d+)')
  if not number then return 'the unit is damaged: ' .. string.sub(unit, 1, 60) end
  local isCurrent = number == current
  if not isWhole(returned) or (isCurrent and not (isWhole(sold) and isWhole(restocked))) then
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
    redis.call('HINCRBY', KEYS[1], 'restocked', 1)
    if redis.call('HINCRBY', KEYS[3], buyer, -1) <= 0 then redis.pcall('HDEL', KEYS[3], buyer) end
  end
  return 1
end

local answers = {}
for i, entry in ipairs(ARGV) do
  local unit = redis.call('HGET', KEYS[2], entry)
  if not unit then answers[i] = 0
  elseif string.sub(unit, 1, 1) == '-' then answers[i] = 1
  else answers[i] = restock(entry, unit) end
end
return answers
`);

/**
 * KEYS[2] tickets; ARGV[1] the user, ARGV[2] which of their units. The waiting room is one number, the
 * admission time of the next visitor; each visitor takes it and advances it by the interval. Returns the
 * outcome, the sale's number, the ticket's admission time in ms, and the sale's secret.
 */
export const issueTicket = createScript(`${readNow}
if sale['rebuild'] then return {'REBUILDING'} end
if not sale['stock'] then return {'SALE_NOT_FOUND'} end
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

/**
 * Closes a sale for buyers while it is rebuilt: KEYS[1] the sale, the others what an earlier attempt may have
 * left behind; ARGV[1] a token of the caller, ARGV[2] how long another attempt may take without a renewal, in
 * ms. Returns 1 when the caller may rebuild.
 */
export const beginRebuild = createScript(`${readNow}
if sale['rebuild'] and sale['rebuild'] ~= ARGV[1] and now - tonumber(sale['rebuildAt']) < tonumber(ARGV[2]) then
  return 0
end
redis.call('UNLINK', unpack(KEYS, 2))
redis.call('HSET', KEYS[1], 'rebuild', ARGV[1], 'rebuildAt', now)
return 1
`);

/**
 * KEYS[1] the sale; ARGV[1] the token. Renews the right to finish. Returns 0 when another attempt has taken
 * over.
 */
export const renewRebuild = createScript(`${readNow}
if sale['rebuild'] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'rebuildAt', now)
return 1
`);

/**
 * KEYS[1] the sale, then pairs of a present key and its replacement; ARGV[1] the token, then fields and
 * values of the sale. Opens the sale for buyers again. Returns 0 when another attempt has taken over.
 */
export const finishRebuild = createScript(`${readNow}
if sale['rebuild'] ~= ARGV[1] then return 0 end
for i = 2, #KEYS, 2 do
  redis.call('UNLINK', KEYS[i])
  if redis.call('EXISTS', KEYS[i + 1]) == 1 then redis.call('RENAME', KEYS[i + 1], KEYS[i]) end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('HDEL', KEYS[1], 'rebuild', 'rebuildAt')
return 1
`);
