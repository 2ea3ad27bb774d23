-- Purpose: move a batch of messages out of a dead letter queue, count it and journal it, all
-- in one step, if the lease is still ours and the messages are still the ones looked at.
--
-- KEYS[1] -> lease                  KEYS[2] -> source list (a dead letter queue)
-- KEYS[3] -> target list            KEYS[4] -> dead letter list
-- KEYS[5] -> the route's state hash KEYS[6] -> counters hash
-- KEYS[7] -> journal stream         KEYS[8] -> pace hash
--
-- ARGV[1] -> the lease's value while it is ours
-- ARGV[2] -> the lease's new time to live, ms
-- ARGV[3] -> commit id: the same id is never committed twice
-- ARGV[4] -> how many messages at the right end to pass over
-- ARGV[5] -> plan: one letter for each message looked at, oldest first:
--            r replay; w wait; and to the dead letter list: m malformed, i incomplete, p poison,
--            s stale, u suspect
-- ARGV[6] -> SHA-1 of the looked-at messages' hexadecimal SHA-1 digests, oldest first
-- ARGV[7] -> cycle id
-- ARGV[8] -> the journal's largest length (approximate)
-- ARGV[9] -> list: what the outcomes of r, m, i, p, s and u are called in state and journal
-- next    -> list of their counters
-- next    -> lists of pairs: the journal's entry, without the amounts; fields of the state hash;
--            fields of the pace hash; further counters to raise
-- next    -> what is pushed for each r, i, p, s and u, in the plan's order (a malformed message
--            goes as it is)
--
-- Returns {'moved', replayed, malformed, incomplete, poison, stale, suspect, left in source}, or
--         {'again', the same seven} this commit was done before
--         {'fenced'}                the lease is not ours
--         {'changed'}               the messages are no longer there as looked at
--         {'corrupt', what}         a key of ours or a list holds something else
local lease, source, target, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local state, counters, journal, pace = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local commit_id, plan, cycle = ARGV[3], ARGV[5], ARGV[7]
local skip, count = tonumber(ARGV[4]), #plan

local next_list, where_next = lists_of_args(9)
local in_order, counter_names = next_list(), next_list()
local names = {}
for i, name in ipairs(in_order) do
  names[string.sub('rmipsu', i, i)] = name
end
local function answer(word, numbers)
  local found = { word }
  for i = 1, #in_order do
    found[i + 1] = numbers[i] or 0
  end
  found[#found + 1] = redis.call('LLEN', source)
  return found
end
local function name_and_number(tally)
  local found = {}
  for _, name in ipairs(in_order) do
    found[#found + 1] = name
    found[#found + 1] = tally[name]
  end
  return found
end

local wrong = first_of_wrong_type({
  lease, 'string', source, 'list', target, 'list', dead, 'list',
  state, 'hash', counters, 'hash', journal, 'stream', pace, 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('HGET', state, 'commit') == commit_id then
  return answer('again', redis.call('HMGET', state, unpack(in_order)))
end
if redis.call('GET', lease) ~= ARGV[1] then
  return { 'fenced' }
end

local tally, sums = {}, {}
for _, name in ipairs(in_order) do
  tally[name], sums[name] = 0, 0
end
local entry_pairs = next_list()
local state_pairs, pace_pairs, increments = next_list(), next_list(), next_list()
local next_arg = where_next()
wrong = first_bad_counter(counters, counter_names)
  or first_bad_counter(counters, names_of(increments))
if wrong then
  return { 'corrupt', wrong }
end

local looked = redis.call('LRANGE', source, -(skip + count), -(skip + 1))
if #looked ~= count then
  return { 'changed' }
end
local digests, oldest_first = {}, {}
for i = 1, count do
  oldest_first[i] = looked[count + 1 - i]
  -- One by one: joining them would copy them all, which takes as long as their digests.
  digests[i] = redis.sha1hex(oldest_first[i])
end
if redis.sha1hex(table.concat(digests)) ~= ARGV[6] then
  return { 'changed' }
end

local to_target, to_dead, waiting = {}, {}, 0
for i = 1, count do
  local letter = string.sub(plan, i, i)
  if letter == 'w' then
    waiting = waiting + 1
  else
    local payload = oldest_first[i]
    if letter ~= 'm' then
      payload = ARGV[next_arg]
      next_arg = next_arg + 1
    end
    local list = letter == 'r' and to_target or to_dead
    list[#list + 1] = payload
    tally[names[letter]] = tally[names[letter]] + 1
  end
end
if next_arg ~= #ARGV + 1 then
  return redis.error_reply('ERR commit.lua: the plan and what is pushed do not match')
end

local entry, earlier = redis.call('HGET', state, 'journal'), nil
if entry and string.match(entry, '^%d+%-%d+$')
  and redis.call('HGET', state, 'journal_cycle') == cycle then
  local found = redis.call('XRANGE', journal, entry, entry)
  earlier = found[1] and found[1][2]
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
-- A batch goes in slices: its entry in the journal is written anew with each, and names the sums.
if earlier then
  for i = 1, #earlier, 2 do
    if sums[earlier[i]] then
      sums[earlier[i]] = tonumber(earlier[i + 1]) or 0
    end
  end
  redis.call('XDEL', journal, entry)
end
for name, amount in pairs(tally) do
  sums[name] = string.format('%.0f', sums[name] + amount)
end
for _, part in ipairs(name_and_number(sums)) do
  entry_pairs[#entry_pairs + 1] = part
end
entry = redis.call('XADD', journal, 'MAXLEN', '~', ARGV[8], '*', unpack(entry_pairs))
if skip == 0 and waiting == 0 then
  redis.call('LTRIM', source, 0, -(count + 1))
else
  -- What waits must keep its place: mark what goes, then remove the marks.
  local mark = 'moved by commit ' .. commit_id
  for i = 1, count do
    if string.sub(plan, i, i) ~= 'w' then
      redis.call('LSET', source, -(skip + i), mark)
    end
  end
  -- The search begins at the nearer end: half a million messages may wait at the other one.
  local newer = redis.call('LLEN', source) - skip - count
  local goes = count - waiting
  redis.call('LREM', source, newer < skip and goes or -goes, mark)
end
local function push(key, payloads)
  for from = 1, #payloads, 1000 do -- far below what Lua's stack takes in one call
    redis.call('LPUSH', key, unpack(payloads, from, math.min(from + 999, #payloads)))
  end
end
push(target, to_target)
push(dead, to_dead)
for i, name in ipairs(in_order) do
  if tally[name] > 0 then
    redis.call('HINCRBY', counters, counter_names[i], tally[name])
  end
end
for i = 1, #increments, 2 do
  redis.call('HINCRBY', counters, increments[i], increments[i + 1])
end
redis.call('HSET', state, 'commit', commit_id, 'journal', entry, 'journal_cycle', cycle,
  unpack(name_and_number(tally)))
if #state_pairs > 0 then
  redis.call('HSET', state, unpack(state_pairs))
end
if #pace_pairs > 0 then
  redis.call('HSET', pace, unpack(pace_pairs))
end
redis.call('PEXPIRE', lease, ARGV[2])
local moved = {}
for i, name in ipairs(in_order) do
  moved[i] = tally[name]
end
return answer('moved', moved)
