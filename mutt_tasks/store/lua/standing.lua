-- Purpose: see whether a queue stands before the forwarder that no cycle of ours looks at.
--
-- KEYS[1] -> alert queue (list)          KEYS[2] -> the forwarder's limiter (sorted set, ms)
-- KEYS[3] -> lease                       KEYS[4] -> what the lease's holder does (hash)
-- KEYS[5] -> an operator's pause (hash)
-- ARGV[1] -> when the limiter's last period began, ms since 1970
--
-- Returns {length of the queue, alerts that the limiter took in its last period, what the lease's
-- holder does (empty when nobody has the lease), 1 if paused}.
local function is(key, kind)
  return redis.call('TYPE', key).ok == kind
end
local doing = ''
if redis.call('EXISTS', KEYS[3]) == 1 then
  doing = is(KEYS[4], 'hash') and redis.call('HGET', KEYS[4], 'doing') or 'unknown'
end
return {
  is(KEYS[1], 'list') and redis.call('LLEN', KEYS[1]) or 0,
  is(KEYS[2], 'zset')
    and redis.call('ZCOUNT', KEYS[2], '(' .. ARGV[1], '+inf') or 0,
  doing,
  redis.call('EXISTS', KEYS[5]),
}
