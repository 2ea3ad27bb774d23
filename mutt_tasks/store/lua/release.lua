-- Purpose: let go of the lease if it is still ours, so that nobody waits for its end.
--
-- KEYS[1] -> lease
-- ARGV[1] -> its value while it is ours
--
-- Returns 1 when it was ours, else 0.
if redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
