-- Purpose: find what has left the lists without being counted since the last look, and note it.
--
-- What lies in a list, and what has left it, less what we put there, is what others have brought:
-- that can only grow. Where it is less than at the last look, somebody has taken messages away.
--
-- KEYS[1] -> what checks find (hash)   KEYS[2] -> counters hash
-- KEYS[3..] -> three for each list: itself, and the two where a job keeps a part of it for a while
--
-- ARGV[1] -> the counter of cycles: where it has fallen, the counters began anew
-- ARGV[2] -> list: what the lists are called
-- next    -> for each of them two lists: the counters of what left it, and of what we put there
--
-- Returns {'balanced', how many went missing since the last look from each list}, or
--         {'corrupt', what}   a key of ours or a list holds something else
local checks, counters, loops = KEYS[1], KEYS[2], ARGV[1]
local next_list = lists_of_args(2)
local names = next_list()

local expected = { checks, 'hash', counters, 'hash' }
for i = 3, #KEYS do
  expected[#expected + 1] = KEYS[i]
  expected[#expected + 1] = 'list'
end
local missing_names = {}
for i, name in ipairs(names) do
  missing_names[i] = 'missing:' .. name
end
local wrong = first_of_wrong_type(expected) or first_bad_counter(checks, missing_names)
if wrong then
  return { 'corrupt', wrong }
end

local function number_of(hash, name)
  return tonumber(redis.call('HGET', hash, name) or '') or 0
end
local brought = {}
for i in ipairs(names) do
  local sum = 0
  for key = 3 * i, 3 * i + 2 do
    sum = sum + redis.call('LLEN', KEYS[key])
  end
  for _, name in ipairs(next_list()) do
    sum = sum + number_of(counters, name)
  end
  for _, name in ipairs(next_list()) do
    sum = sum - number_of(counters, name)
  end
  brought[i] = sum
end

-- Other lists, or counters that began anew, cannot be compared with what was noted before.
local what = table.concat(KEYS, ' ', 3)
local cycles = number_of(counters, loops)
local is_comparable = redis.call('HGET', checks, 'lists') == what
  and cycles >= number_of(checks, 'cycles')
local answer = { 'balanced' }
for i, name in ipairs(names) do
  local before = is_comparable and tonumber(redis.call('HGET', checks, 'brought:' .. name) or '')
  answer[i + 1] = before and math.max(0, before - brought[i]) or 0
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
for i, name in ipairs(names) do
  redis.call('HSET', checks, 'brought:' .. name, string.format('%.0f', brought[i]))
  redis.call('HINCRBY', checks, missing_names[i], string.format('%.0f', answer[i + 1]))
end
local time = redis.call('TIME')
redis.call('HSET', checks, 'lists', what, 'cycles', string.format('%.0f', cycles),
  'balanced_ms', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
return answer
