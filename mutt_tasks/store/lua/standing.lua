-- Purpose: see whether a cycle of ours should begin: all that a worker that looks on goes by.
--
-- KEYS[1] -> alert queue (list)          KEYS[2] -> the forwarder's limiter (sorted set, ms)
-- KEYS[3] -> lease                       KEYS[4] -> what the lease's holder does (hash)
-- KEYS[5] -> an operator's pause (hash)  KEYS[6..] -> what is there while operators' jobs are at work
-- ARGV[1] -> the limiter's period, ms    ARGV[2] -> now, ms since 1970; empty for this server's clock
--
-- Returns {length of the queue, alerts that the limiter took in its last period, what the lease's
-- holder does (empty when nobody has the lease), 1 if a drain was under way that nobody goes on with,
-- 1 if paused, 1 if operators' jobs are at work}.
local function is(key, kind)
  return redis.call('TYPE', key).ok == kind
end
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local doing, is_held = '', redis.call('EXISTS', KEYS[3]) == 1
if is_held then
  doing = is(KEYS[4], 'hash') and redis.call('HGET', KEYS[4], 'doing') or 'unknown'
end
local at_work = {}
for i = 6, #KEYS do
  at_work[#at_work + 1] = KEYS[i]
end
return {
  is(KEYS[1], 'list') and redis.call('LLEN', KEYS[1]) or 0,
  is(KEYS[2], 'zset')
    and redis.call('ZCOUNT', KEYS[2], string.format('(%.0f', now - ARGV[1]), '+inf') or 0,
  doing,
  is_held and 0 or redis.call('EXISTS', KEYS[4]),
  redis.call('EXISTS', KEYS[5]),
  redis.call('EXISTS', unpack(at_work)) > 0 and 1 or 0,
}
