-- Purpose: read everything that a slice of a batch is decided by, at one moment.
--
-- KEYS[1] -> source list              KEYS[2] -> the route's state hash
-- KEYS[3] -> pace hash                KEYS[4] -> an operator's pause (hash)
-- KEYS[5] -> the forwarder's circuit breaker (string)
-- KEYS[6] -> the forwarder's limiter (sorted set of moments in ms)
-- KEYS[7] -> runtime configuration (string): alerts that the limiter takes in a period
-- KEYS[8] -> the same: the limiter's period   KEYS[9] -> the same: where the alerter's shedding begins
-- KEYS[10] -> how often the forwarder has failed in a row (string)
-- KEYS[11] -> when its breaker opened (string)   KEYS[12] -> an older forwarder's open breaker
-- KEYS[13] -> the last probe (hash)
-- KEYS[14..] -> the queues that replays lie in
-- ARGV -> moments in ms: how many of the limiter's alerts are younger is counted for each
--
-- Returns {length of the source, {values of the state}, {values of the pace}, 1 if paused,
-- {breaker, when it opened, 1 if there is an older one, when we saw it; each may be false},
-- 1 if the limiter is there, {counts of the limiter}, score of its newest alert or
-- false, {lengths of the queues}, {values of the configuration, each or false}, failures or
-- false}.
local lengths, counts, configured = {}, {}, {}
-- Keys of the pipeline that hold something else than they should are as good as not there.
local function is(key, kind)
  return redis.call('TYPE', key).ok == kind
end
local has_limiter = is(KEYS[6], 'zset')
for i = 7, 9 do
  configured[#configured + 1] = is(KEYS[i], 'string') and redis.call('GET', KEYS[i])
end
for i = 14, #KEYS do
  lengths[#lengths + 1] = redis.call('LLEN', KEYS[i])
end
for i = 1, #ARGV do
  counts[i] = has_limiter and redis.call('ZCOUNT', KEYS[6], '(' .. ARGV[i], '+inf') or 0
end
return {
  redis.call('LLEN', KEYS[1]),
  redis.call('HMGET', KEYS[2], 'flow', 'cursor', 'cursor_until', 'cursor_rules', 'speed', 'moved_at',
    'suspects'),
  redis.call('HMGET', KEYS[3], 'pace', 'watch', 'limits'),
  redis.call('EXISTS', KEYS[4]),
  {
    is(KEYS[5], 'string') and redis.call('GET', KEYS[5]),
    is(KEYS[11], 'string') and redis.call('GET', KEYS[11]),
    redis.call('EXISTS', KEYS[12]),
    is(KEYS[13], 'hash') and redis.call('HGET', KEYS[13], 'breaker_seen_at'),
  },
  has_limiter and 1 or 0,
  counts,
  has_limiter and redis.call('ZREVRANGE', KEYS[6], 0, 0, 'WITHSCORES')[2],
  lengths,
  configured,
  is(KEYS[10], 'string') and redis.call('GET', KEYS[10]),
}
