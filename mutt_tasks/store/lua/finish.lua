-- Purpose: end a cycle: count it, journal it, note the routes' state, and let go of the lease
-- or hand it to the next cycle of the same drain.
--
-- KEYS[1] -> lease            KEYS[2] -> counters hash
-- KEYS[3] -> journal stream   KEYS[4] -> what the lease's holder does (hash)
-- KEYS[5..] -> state hash of each route, the pace hash, and the books of the service levels
-- ARGV[1] -> the lease's value while it is ours
-- ARGV[2] -> the lease's value for the next cycle, empty to let go
-- ARGV[3] -> its time to live, ms
-- ARGV[4] -> the journal's largest length (approximate)
-- ARGV[5] -> time until the next cycle begins, ms    ARGV[6] -> what held this one, or empty
-- ARGV[7] -> 1 if the drain waits for Moogsoft
-- ARGV[8] -> the counters' field for the moment when the last cycle ended (ms)
-- ARGV[9] -> list of pairs: counters to raise
-- next    -> lists of pairs: the journal's entry; fields of each state hash
--
-- Returns {'finished'}, {'fenced'}, or {'corrupt', what}.
local expected = { KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'stream' }
for i = 4, #KEYS do
  expected[#expected + 1] = KEYS[i]
  expected[#expected + 1] = 'hash'
end
local wrong = first_of_wrong_type(expected)
if wrong then
  return { 'corrupt', wrong }
end
local holder = redis.call('GET', KEYS[1])
if ARGV[2] ~= '' and holder == ARGV[2] then
  return { 'finished' } -- the answer to the first try was lost
end
if holder ~= ARGV[1] then
  return { 'fenced' }
end
local next_list = lists_of_args(9)
local increments = next_list()
wrong = first_bad_counter(KEYS[2], names_of(increments))
if wrong then
  return { 'corrupt', wrong }
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', unpack(next_list()))
for i = 1, #increments, 2 do
  redis.call('HINCRBY', KEYS[2], increments[i], increments[i + 1])
end
for i = 5, #KEYS do
  local values = next_list()
  if #values > 0 then
    redis.call('HSET', KEYS[i], unpack(values))
  end
end
local time = redis.call('TIME')
redis.call('HSET', KEYS[2], ARGV[8],
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1], KEYS[4])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[4], 'cycle', ARGV[2], 'doing', 'resting', 'ttl', ARGV[3],
    'due', string.format('%.0f', now + ARGV[5]), 'reason', ARGV[6],
    'asks', ARGV[7] == '1' and string.format('%.0f', now) or '')
end
return { 'finished' }
