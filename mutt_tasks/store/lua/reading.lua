-- Purpose: read everything that a slice of a batch is decided by, at one moment.
--
-- KEYS[1] -> source list              KEYS[2] -> the route's state hash
-- KEYS[3] -> pace hash                KEYS[4] -> an operator's pause (hash)
-- KEYS[5] -> the forwarder's circuit breaker (string)
-- KEYS[6] -> the forwarder's limiter (sorted set of moments in ms)
-- KEYS[7..] -> the queues that replays lie in
-- ARGV -> moments in ms: how many of the limiter's alerts are younger is counted for each
--
-- Returns {length of the source, {values of the state}, pace, 1 if paused, breaker or false,
-- 1 if the limiter is there, {counts of the limiter}, {lengths of the queues}}.
local lengths, counts = {}, {}
for i = 7, #KEYS do
  lengths[#lengths + 1] = redis.call('LLEN', KEYS[i])
end
for i = 1, #ARGV do
  counts[i] = redis.call('ZCOUNT', KEYS[6], '(' .. ARGV[i], '+inf')
end
return {
  redis.call('LLEN', KEYS[1]),
  redis.call('HMGET', KEYS[2], 'flow', 'cursor', 'cursor_until', 'cursor_rules', 'speed', 'moved_at'),
  redis.call('HGET', KEYS[3], 'pace'),
  redis.call('EXISTS', KEYS[4]),
  redis.call('GET', KEYS[5]),
  redis.call('EXISTS', KEYS[6]),
  counts,
  lengths,
}
