-- Purpose: hand the lease from one step of a cycle to the next, so that a step that is
-- delivered twice runs once, and say what its holder does.
--
-- KEYS[1] -> lease            KEYS[2] -> what the lease's holder does (hash)
-- ARGV[1] -> value that the lease must have
-- ARGV[2] -> value that it gets; having it already counts as success (a lost answer)
-- ARGV[3] -> new time to live, ms
-- ARGV[4] -> the step, in a word
-- ARGV[5] -> id of the cycle
-- ARGV[6] -> time until the cycle begins, ms; 0 when the step is under way
--
-- Returns {'advanced'}, {'stale'} when the lease is neither's, or {'corrupt', what}.
if redis.call('TYPE', KEYS[1]).ok ~= 'string' then
  return { 'stale' }
end
local wrong = first_of_wrong_type({ KEYS[2], 'hash' })
if wrong then
  return { 'corrupt', wrong }
end
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] and holder ~= ARGV[2] then
  return { 'stale' }
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('HSET', KEYS[2], 'cycle', ARGV[5], 'doing', ARGV[4], 'ttl', ARGV[3])
if tonumber(ARGV[6]) > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[2], 'due', string.format('%.0f', now + ARGV[6]))
end
return { 'advanced' }
