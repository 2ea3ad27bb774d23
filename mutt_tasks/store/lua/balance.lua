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
local checks, counters = KEYS[1], KEYS[2]
local next_list = lists_of_args(2)
local names = next_list()

-- Mostly no job is deep inside a list: then there is nothing beside it to look at.
local lists, beside = {}, {}
for at = 3, #KEYS do
  local group = at % 3 == 0 and lists or beside
  group[#group + 1] = KEYS[at]
end
local is_one_beside = redis.call('EXISTS', unpack(beside)) > 0
local expected = { checks, 'hash', counters, 'hash' }
for _, group in ipairs(is_one_beside and { lists, beside } or { lists }) do
  for _, key in ipairs(group) do
    expected[#expected + 1] = key
    expected[#expected + 1] = 'list'
  end
end
local wrong = first_of_wrong_type(expected)
if wrong then
  return { 'corrupt', wrong }
end

-- All counters in one read: by list what left it, then what was put there; first that of cycles.
local wanted, spans = { ARGV[1] }, {}
for i in ipairs(names) do
  spans[i] = {}
  for _, sign in ipairs({ 1, -1 }) do
    local first = #wanted + 1
    for _, name in ipairs(next_list()) do
      wanted[#wanted + 1] = name
    end
    spans[i][sign] = { first, #wanted }
  end
end
local counted = redis.call('HMGET', counters, unpack(wanted))
local function number(value)
  return tonumber(value or '') or 0
end
local brought = {}
for i in ipairs(names) do
  local sum = redis.call('LLEN', lists[i])
  if is_one_beside then
    sum = sum + redis.call('LLEN', beside[2 * i - 1]) + redis.call('LLEN', beside[2 * i])
  end
  for sign, span in pairs(spans[i]) do
    for at = span[1], span[2] do
      sum = sum + sign * number(counted[at])
    end
  end
  brought[i] = sum
end

local fields = { 'lists', 'cycles' }
for _, name in ipairs(names) do
  fields[#fields + 1] = 'brought:' .. name
  fields[#fields + 1] = 'missing:' .. name
end
local noted = redis.call('HMGET', checks, unpack(fields))
-- Other lists, or counters that began anew, cannot be compared with what was noted before.
local what, cycles = table.concat(KEYS, ' ', 3), number(counted[1])
local is_comparable = noted[1] == what and cycles >= number(noted[2])
local time = redis.call('TIME')
local news = { 'lists', what, 'cycles', string.format('%.0f', cycles),
  'balanced_ms', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) }
local answer = { 'balanced' }
for i in ipairs(names) do
  local before = is_comparable and tonumber(noted[2 * i + 1] or '')
  local missing = before and math.max(0, before - brought[i]) or 0
  answer[i + 1] = missing
  for at, value in ipairs({ brought[i], number(noted[2 * i + 2]) + missing }) do
    news[#news + 1] = fields[2 * i + at]
    news[#news + 1] = string.format('%.0f', value)
  end
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
redis.call('HSET', checks, unpack(news))
return answer
