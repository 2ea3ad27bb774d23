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
-- KEYS[14] -> a list beside the source     KEYS[15] -> another one
-- KEYS[16..] -> the queues that replays lie in
-- ARGV[1] -> how long ago the limiter's window began, ms
-- ARGV[2] -> the same of those alerts in it that are counted by themselves
-- ARGV[3] -> how many moments of alerts in the window to return, at most
-- ARGV[4] -> now, seconds since 1970; empty for this server's clock
--
-- Returns in this order, and without names (each would cost the reader time): now, in seconds since
-- 1970; the source's length, with what lies beside it meanwhile; the state's `flow`, `cursor`, `cursor_until`, `cursor_rules`, `speed`,
-- `moved_at`, `suspects` and `landing` (each may be false); the pace hash's `pace`, `watch` and `limits`
-- (the same); whether there is a pause; the breaker; when it opened; whether there is an old breaker;
-- when the breaker was seen to be open; whether there is a limiter; how many of its alerts came since
-- ARGV[1]; since ARGV[2]; the scores of those in the window, oldest first, of each stride of them the
-- youngest, in one text with spaces between; this stride; the scores of the limiter's newest and oldest
-- alert, each or false; the lengths of the queues; the values of the configuration, each or false; the
-- failures, or false.

-- Keys of the pipeline that hold something else than they should are as good as not there.
local function is(key, kind)
  return redis.call('TYPE', key).ok == kind
end
-- When the newest `used` alerts of the limiter came, oldest first: of each `stride` the youngest.
local function moments_of(limiter, used, stride)
  local moments = {}
  if stride == 1 then
    local found = used > 0 and redis.call('ZRANGE', limiter, -used, -1, 'WITHSCORES') or {}
    for i = 2, #found, 2 do
      moments[#moments + 1] = found[i]
    end
    return moments
  end
  -- Of thousands, to look up a hundred takes a tenth of the time of reading all.
  for older = used - stride, 1 - stride, -stride do
    local rank = -math.max(0, older) - 1
    moments[#moments + 1] = redis.call('ZRANGE', limiter, rank, rank, 'WITHSCORES')[2]
  end
  return moments
end
local function now_by_own_clock()
  local time = redis.call('TIME')
  return string.format('%d.%06d', time[1], time[2])
end
local now = ARGV[4] == '' and now_by_own_clock() or ARGV[4]
local function since(milliseconds)
  return string.format('(%.0f', now * 1000 - milliseconds)
end
-- MGET finds nothing where something else than a string stands.
local breaker, opened_at, failures, alerts, period, shed_above =
  unpack(redis.call('MGET', KEYS[5], KEYS[11], KEYS[10], KEYS[7], KEYS[8], KEYS[9]))
local lengths, moments = {}, {}
local used, recent, stride = 0, 0, 1
local has_limiter = is(KEYS[6], 'zset')
for i = 16, #KEYS do
  lengths[#lengths + 1] = redis.call('LLEN', KEYS[i])
end
if has_limiter then
  used = redis.call('ZCOUNT', KEYS[6], since(ARGV[1]), '+inf')
  recent = redis.call('ZCOUNT', KEYS[6], since(ARGV[2]), '+inf')
  stride = math.max(1, math.ceil(used / tonumber(ARGV[3])))
  moments = moments_of(KEYS[6], used, stride)
end
return {
  now,
  redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[14]) + redis.call('LLEN', KEYS[15]),
  redis.call('HMGET', KEYS[2], 'flow', 'cursor', 'cursor_until', 'cursor_rules', 'speed', 'moved_at',
    'suspects', 'landing'),
  redis.call('HMGET', KEYS[3], 'pace', 'watch', 'limits'),
  redis.call('EXISTS', KEYS[4]),
  breaker,
  opened_at,
  redis.call('EXISTS', KEYS[12]),
  is(KEYS[13], 'hash') and redis.call('HGET', KEYS[13], 'breaker_seen_at'),
  has_limiter and 1 or 0,
  used,
  recent,
  table.concat(moments, ' '),
  stride,
  has_limiter and redis.call('ZREVRANGE', KEYS[6], 0, 0, 'WITHSCORES')[2] or false,
  has_limiter and redis.call('ZRANGE', KEYS[6], 0, 0, 'WITHSCORES')[2] or false,
  lengths,
  { alerts, period, shed_above },
  failures,
}
