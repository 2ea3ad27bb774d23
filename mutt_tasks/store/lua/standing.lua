-- Purpose: see whether a cycle of ours should begin: all that a worker that looks on goes by, in as few
-- commands as will do.
--
-- KEYS[1] -> alert queue (list), or empty to leave out the first two answers
-- KEYS[2] -> the forwarder's limiter (sorted set, ms)
-- KEYS[3] -> lease                       KEYS[4] -> what the lease's holder does (hash)
-- KEYS[5] -> an operator's pause (hash)  KEYS[6..] -> what is there while operators' jobs are at work
-- ARGV[1] -> the limiter's period, ms    ARGV[2] -> now, ms since 1970; empty for this server's clock
--
-- Returns {length of the queue, alerts that the limiter took in its last period (if any stand in the
-- queue), what the lease's holder does (empty when nobody has the lease, or nothing stands), 1 if a
-- drain was under way that nobody goes on with, 1 if paused, 1 if operators' jobs are at work}.
local function exist(...)
  return redis.call('EXISTS', ...)
end
-- Keys of the pipeline that hold something else than they should are as good as not there.
local function number(command, ...)
  local found = redis.pcall(command, ...)
  return type(found) == 'number' and found or 0
end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local others = {}
for i = 5, #KEYS do
  others[#others + 1] = KEYS[i]
end
local of_cycles, of_people = exist(KEYS[3], KEYS[4]), exist(unpack(others))
-- Both or none, as a rule. Else it is the lease that counts.
local is_held = of_cycles == 2 or of_cycles == 1 and exist(KEYS[3]) == 1
local is_paused = of_people > 0 and exist(KEYS[5]) or 0
local queued, used, doing = KEYS[1] ~= '' and number('LLEN', KEYS[1]) or 0, 0, ''
if queued > 0 then
  local since = (tonumber(ARGV[2]) or now()) - ARGV[1]
  used = number('ZCOUNT', KEYS[2], string.format('(%.0f', since), '+inf')
  local told = is_held and redis.pcall('HGET', KEYS[4], 'doing')
  doing = is_held and (type(told) == 'string' and told or 'unknown') or ''
end
return {
  queued,
  used,
  doing,
  of_cycles == 1 and not is_held and 1 or 0,
  is_paused,
  of_people > is_paused and 1 or 0,
}
