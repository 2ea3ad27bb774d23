-- Purpose: take the lease for a new cycle, unless a drain is under way or the tick is too early.
--
-- KEYS[1] -> lease            KEYS[2] -> moment of the last accepted tick (string, ms)
-- KEYS[3] -> counters hash    KEYS[4] -> what the lease's holder does (hash)
-- KEYS[5] -> how often the lease was taken (string)
-- ARGV[1] -> the new cycle's lease value
-- ARGV[2] -> time to live of the lease, ms
-- ARGV[3] -> least time since the last accepted tick, ms; 0 when it is no tick
-- ARGV[4] -> longest time to live that a lease of ours ever has, ms
-- ARGV[5] -> which drains between two cycles are taken over: 'overdue', 'asking' (also those that
--            wait for Moogsoft) or 'any'
-- ARGV[6] -> how late a drain's next cycle may be, ms; later it is overdue
-- ARGV[7] -> counter of ticks that were busy    ARGV[8] -> counter of those that came too early
-- ARGV[9] -> how often the lease had been taken when the caller began
--
-- Returns {'acquired'}, {'early'}, {'corrupt', what}, {'overtaken'} when somebody has taken the
-- lease since the caller began, or {'busy', the holder's cycle, what it does, what holds it (each
-- may be false), since when (ms, or false), ms since it was last heard of (or false)}.
local wrong = first_of_wrong_type({
  KEYS[1], 'string', KEYS[2], 'string', KEYS[3], 'hash', KEYS[4], 'hash', KEYS[5], 'string',
}) or first_bad_counter(KEYS[3], { ARGV[7], ARGV[8] })
if wrong then
  return { 'corrupt', wrong }
end
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  return { 'acquired' } -- the answer to the first try was lost
end
-- A copy that comes late may be of a cycle that has had the lease and lost it, or has ended: it must
-- not begin again.
local taken = redis.call('GET', KEYS[5]) or '0'
if not string.match(taken, '^%d+$') or #taken > 15 then
  return { 'corrupt', KEYS[5] }
end
if taken ~= ARGV[9] then
  return { 'overtaken' }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- A lease that never ends, or far too late, is nobody's: the clock went back while it lived, or it
-- was set by hand. Should its holder still live, fencing stops it.
local left = redis.call('PTTL', KEYS[1])
if holder and left >= 0 and left <= tonumber(ARGV[4]) then
  local drain = redis.call('HMGET', KEYS[4], 'cycle', 'doing', 'reason', 'since', 'ttl', 'due',
    'asks')
  -- Between two cycles no step is under way: taken over, the next one finds its lease gone.
  local is_between = drain[1] == holder and drain[2] == 'resting'
  local due = tonumber(drain[6] or '') or 0
  local asks = drain[7] and drain[7] ~= ''
  local is_overdue = now > due + tonumber(ARGV[6]) or due > now + tonumber(ARGV[4])
  local is_taken = is_between
    and (is_overdue or ARGV[5] == 'any' or (ARGV[5] == 'asking' and asks))
  if not is_taken then
    redis.call('HINCRBY', KEYS[3], ARGV[7], 1)
    local ttl = tonumber(drain[5] or '')
    local silent = ttl and math.max(0, ttl - left) or false
    return { 'busy', drain[1], drain[2], drain[3], drain[4], silent }
  end
end
local window = tonumber(ARGV[3])
if window > 0 then
  local last = tonumber(redis.call('GET', KEYS[2]) or '')
  -- A last tick in the future is a clock that went back: no reason to wait for it.
  if last and last <= now and now - last < window then
    redis.call('HINCRBY', KEYS[3], ARGV[8], 1)
    return { 'early' }
  end
  redis.call('SET', KEYS[2], string.format('%.0f', now))
end
redis.call('INCR', KEYS[5])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[4])
redis.call('HSET', KEYS[4], 'cycle', ARGV[1], 'doing', 'starting', 'ttl', ARGV[2],
  'since', string.format('%.0f', now))
return { 'acquired' }
