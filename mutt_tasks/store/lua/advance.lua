-- Purpose: hand the lease from one step of a cycle to the next, so that a step that is
-- delivered twice runs once.
--
-- KEYS[1] -> lease
-- ARGV[1] -> value that the lease must have
-- ARGV[2] -> value that it gets; having it already counts as success (a lost answer)
-- ARGV[3] -> new time to live, ms
--
-- Returns 1 when the lease is now ours, 0 when it is not.
if redis.call('TYPE', KEYS[1]).ok ~= 'string' then
  return 0
end
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] and holder ~= ARGV[2] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
