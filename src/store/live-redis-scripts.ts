import { createHash } from 'node:crypto';

/**
 * The atomic steps on Redis. An entry is a string: '-' and the value while unspent, '+', who spent it, a line feed and the
 * value once spent. An index is a sorted set scored by the end of each member; a counter is a number that expires.
 *
 * `commit` reads what its steps touch, decides on copies, and writes only when no step refused, for a script cannot be
 * rolled back. ARGV begins with the latest time of the server at which it may still be done (or nothing) and the time of
 * the app. Each step has its key in KEYS (so that a cluster can route it) and four arguments: what to do, a time (for what
 * only checks: a yes), a text, what is expected. It answers 'ok' or the refusal, the place of the step that refused, and
 * the time of the server.
 */
const commit = `
local clock = redis.call('TIME')
local serverTime = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[1] ~= '' and serverTime > tonumber(ARGV[1]) then return { 'late', 0, serverTime } end
local now = tonumber(ARGV[2])
local entries, touched, indexes = {}, {}, {}

local function read(key)
  local entry = entries[key]
  if not entry then
    entry = { raw = redis.call('GET', key) }
    entries[key] = entry
    touched[#touched + 1] = key
  end
  return entry
end

local function parts(raw)
  if raw:sub(1, 1) == '-' then return nil, raw:sub(2) end
  local line = raw:find('\\n', 1, true)
  return raw:sub(2, line - 1), raw:sub(line + 1)
end

local function write(entry, raw, ttl)
  entry.raw, entry.ttl, entry.keep, entry.changed = raw, ttl, nil, true
end

local function consume(entry, by, keep)
  local spentBy, value = parts(entry.raw)
  if spentBy and spentBy ~= by then return 'consumed' end
  entry.raw, entry.changed = '+' .. by .. '\\n' .. value, true
  if keep == '' then return end
  if entry.ttl then entry.ttl = math.min(entry.ttl, tonumber(keep))
  else entry.keep = math.min(entry.keep or math.huge, tonumber(keep)) end
end

local function differs(entry, something, text)
  if something == '' then return entry.raw end
  if not entry.raw then return true end
  local _, value = parts(entry.raw)
  return value ~= text
end

local function take(key, what, time, text, expected)
  local entry = read(key)
  if what == 'put' then return write(entry, '-' .. text, tonumber(time)) end
  if what == 'add' then
    if entry.raw then return 'exists' end
    return write(entry, '-' .. text, tonumber(time))
  end
  if what == 'delete' then return write(entry, false) end
  if what == 'expect' then return differs(entry, time, text) and 'changed' or nil end
  if not entry.raw then return 'missing' end
  if what == 'require' then return time ~= '' and entry.raw:sub(1, 1) == '+' and 'consumed' or nil end
  if what == 'take' then return write(entry, false) end
  if what == 'consume' then return consume(entry, text, time) end
  if what == 'replace' then
    local spentBy, value = parts(entry.raw)
    if value ~= expected then return 'changed' end
    return write(entry, (spentBy and '+' .. spentBy .. '\\n' or '-') .. text, tonumber(time))
  end
end

for place, key in ipairs(KEYS) do
  local at = place * 4 - 1
  local what = ARGV[at]
  if what == 'enlist' or what == 'strike' then
    indexes[#indexes + 1] = { key = key, what = what, ends = tonumber(ARGV[at + 1]), member = ARGV[at + 2] }
  else
    local refusal = take(key, what, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    if refusal then return { refusal, place - 1, serverTime } end
  end
end

for _, key in ipairs(touched) do
  local entry = entries[key]
  if entry.changed and not entry.raw then redis.call('DEL', key)
  elseif entry.changed and entry.ttl then
    redis.call('SET', key, entry.raw, 'PX', string.format('%.0f', entry.ttl))
  elseif entry.changed then
    redis.call('SET', key, entry.raw, 'KEEPTTL')
    if entry.keep and redis.call('PTTL', key) > entry.keep then
      redis.call('PEXPIRE', key, string.format('%.0f', entry.keep))
    end
  end
end

for _, index in ipairs(indexes) do
  if index.what == 'enlist' and index.ends > now then
    redis.call('ZADD', index.key, string.format('%.0f', index.ends), index.member)
  else
    redis.call('ZREM', index.key, index.member)
  end
  -- So many at once: an index that was left alone for a month may have any number of them.
  local over = redis.call('ZCOUNT', index.key, '-inf', ARGV[2])
  if over > 0 then redis.call('ZREMRANGEBYRANK', index.key, 0, math.min(over, 100) - 1) end
  local last = redis.call('ZRANGE', index.key, -1, -1, 'WITHSCORES')
  if last[2] then redis.call('PEXPIRE', index.key, string.format('%.0f', tonumber(last[2]) - now)) end
end
return { 'ok', 0, serverTime }
`;

/** ARGV: the window, the amount, and the most that is counted (or less than 0). A window starts when something is first counted, and not again until it ended. */
const count = `
local amount = tonumber(ARGV[2])
local left = redis.call('PTTL', KEYS[1])
local counted = 0
-- In its last millisecond, with 0 left, a counter still has its value, which belongs to no window any more.
if left > 0 then counted = tonumber(redis.call('GET', KEYS[1])) end
if amount == 0 or (amount < 0 and left <= 0) then return { counted, math.max(left, 0), 0 } end
local total = math.max(0, counted + amount)
local most = tonumber(ARGV[3])
if most >= 0 and amount > 0 and total > most then return { counted, math.max(left, 0), 1 } end
if left > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', total), 'KEEPTTL')
  return { total, left, 0 }
end
redis.call('SET', KEYS[1], string.format('%.0f', total), 'PX', ARGV[1])
return { total, tonumber(ARGV[1]), 0 }
`;

/**
 * A page of an index. ARGV: an end, a member of that end (or nothing: every one of that end is behind us), and how many are
 * wanted. It begins with the first that ends later, or in the same moment and comes after the member, which need not be there
 * any more. Found by halves, since Redis has no such question; in the order that Redis keeps, of bytes, which Lua's own
 * comparison need not be.
 */
const page = `
local function isAfter(one, other)
  for at = 1, math.min(#one, #other) do
    local left, right = one:byte(at), other:byte(at)
    if left ~= right then return left > right end
  end
  return #one > #other
end

local high = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[1])
local low = ARGV[2] == '' and high or redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[1])
while low < high do
  local middle = math.floor((low + high) / 2)
  local found = redis.call('ZRANGE', KEYS[1], middle, middle)
  if isAfter(found[1], ARGV[2]) then high = middle else low = middle + 1 end
end
return redis.call('ZRANGE', KEYS[1], low, low + tonumber(ARGV[3]) - 1, 'WITHSCORES')
`;

export type Script = { lua: string; sha: string };
const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') });
export const scripts = { commit: script(commit), count: script(count), page: script(page) };
