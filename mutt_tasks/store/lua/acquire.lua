-- Purpose: take the lease for a new cycle, unless a drain is under way or the tick is too early.
--
-- KEYS[1] -> lease            KEYS[2] -> moment of the last accepted tick (string, ms)
-- KEYS[3] -> counters hash
-- ARGV[1] -> the new cycle's lease value
-- ARGV[2] -> time to live of the lease, ms
-- ARGV[3] -> least time since the last accepted tick, ms; 0 when called by hand
-- ARGV[4] -> longest time to live that a lease of ours ever has, ms
--
-- Returns {'acquired'}, {'busy'}, {'early'}, or {'corrupt', what}.
local wrong = first_of_wrong_type({ KEYS[1], 'string', KEYS[2], 'string', KEYS[3], 'hash' })
  or first_bad_counter(KEYS[3], { 'ticks:busy', 'ticks:early' })
if wrong then
  return { 'corrupt', wrong }
end
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  return { 'acquired' } -- the answer to the first try was lost
end
-- A lease that never ends, or far too late, is nobody's: the clock went back while it lived, or it
-- was set by hand. Should its holder still live, fencing stops it.
local left = redis.call('PTTL', KEYS[1])
if holder and left >= 0 and left <= tonumber(ARGV[4]) then
  redis.call('HINCRBY', KEYS[3], 'ticks:busy', 1)
  return { 'busy' }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window = tonumber(ARGV[3])
if window > 0 then
  local last = tonumber(redis.call('GET', KEYS[2]) or '')
  -- A last tick in the future is a clock that went back: no reason to wait for it.
  if last and last <= now and now - last < window then
    redis.call('HINCRBY', KEYS[3], 'ticks:early', 1)
    return { 'early' }
  end
  redis.call('SET', KEYS[2], string.format('%.0f', now))
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return { 'acquired' }
