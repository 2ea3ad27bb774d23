-- Purpose: move a batch of messages from one list to others, count it and journal it, all in one
-- step, if the lease is still ours and the messages are still the ones looked at. What an operator's
-- job moves is noted in the job and audited in the same step.
--
-- KEYS[1] -> lease                  KEYS[2] -> source list
-- KEYS[3] -> target list            KEYS[4] -> dead letter list
-- KEYS[5] -> the route's state hash KEYS[6] -> counters hash
-- KEYS[7] -> journal stream         KEYS[8] -> pace hash
-- and for a job: KEYS[9] -> its hash, KEYS[10] -> its bitmap of what is done,
-- KEYS[11] -> audit stream, KEYS[12] -> head of the audit's chain (hash)
--
-- ARGV[1] -> the lease's value while it is ours
-- ARGV[2] -> the lease's new time to live, ms
-- ARGV[3] -> commit id: the same id is never committed twice
-- ARGV[4] -> how many messages at the right end to pass over
-- ARGV[5] -> plan: one letter for each message looked at, oldest first:
--            w waits; to the target: r replay, t as it lies, e as it lies, while what is pushed
--            for it takes its place, b the same, and what takes its place leaves the target; x to
--            nowhere; to the dead letter list: m malformed, i incomplete, p poison, s stale, u suspect
-- ARGV[6] -> SHA-1 of the looked-at messages' hexadecimal SHA-1 digests, oldest first
-- ARGV[7] -> cycle id
-- ARGV[8] -> the journal's largest length (approximate)
-- ARGV[9] -> what stands in front of the names in the state hash by which this kind of commit is
--            remembered
-- ARGV[10] -> R to push at the target's old end, L at its new end
-- ARGV[11] -> list: what the outcomes of r (t, e, b, x), m, i, p, s and u are called in state and journal
-- next    -> list of their counters
-- next    -> lists of pairs: the journal's entry, without the amounts; fields of the state hash;
--            fields of the pace hash; further counters to raise
-- next    -> for a job, else empty: lists of pairs: its fields, its numbers to raise, the audit's
--            entry; list: the places in its bitmap
-- next    -> what is pushed for each r, e, b, i, p, s and u, in the plan's order (a malformed message
--            goes as it is)
--
-- Returns {'moved', replayed, malformed, incomplete, poison, stale, suspect, left in source}, or
--         {'again', the same seven} this commit was done before
--         {'fenced'}                the lease is not ours
--         {'changed'}               the messages are no longer there as looked at, or a later commit
--                                   of the same step has been done
--         {'audit'}                 the audit's entry does not follow its last one
--         {'corrupt', what}         a key of ours or a list holds something else
local lease, source, target, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local state, counters, journal, pace = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local job, done, audit, audit_head = KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local commit_id, plan, cycle = ARGV[3], ARGV[5], ARGV[7]
local remembered, push_command = ARGV[9], ARGV[10] == 'R' and 'RPUSH' or 'LPUSH'
local skip, count = tonumber(ARGV[4]), #plan

local next_list, where_next = lists_of_args(11)
local in_order, counter_names = next_list(), next_list()
local names, kept_names = {}, {}
for i, name in ipairs(in_order) do
  names[string.sub('rmipsu', i, i)] = name
  kept_names[i] = remembered .. name
end
names.t, names.e, names.b, names.x = names.r, names.r, names.r, names.r
local function answer(word, numbers)
  local found = { word }
  for i = 1, #in_order do
    found[i + 1] = numbers[i] or 0
  end
  found[#found + 1] = redis.call('LLEN', source)
  return found
end
local function name_and_number(tally, prefix)
  local found = {}
  for _, name in ipairs(in_order) do
    found[#found + 1] = prefix .. name
    found[#found + 1] = tally[name]
  end
  return found
end

local wrong = first_of_wrong_type({
  lease, 'string', source, 'list', target, 'list', dead, 'list',
  state, 'hash', counters, 'hash', journal, 'stream', pace, 'hash',
}) or job and first_of_wrong_type({
  job, 'hash', done, 'string', audit, 'stream', audit_head, 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
local last_id = redis.call('HGET', state, remembered .. 'commit')
if last_id == commit_id then
  return answer('again', redis.call('HMGET', state, unpack(kept_names)))
end
-- A copy that comes after the next commit of its step: nobody waits for its answer any more, and equal
-- messages may lie where its own did.
local series, number = string.match(commit_id, '^(.*):(%d+)$')
local last_series, last_number = string.match(last_id or '', '^(.*):(%d+)$')
if series and series == last_series and tonumber(number) < tonumber(last_number) then
  return { 'changed' }
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
local job_pairs, job_increments, audit_pairs, places =
  next_list(), next_list(), next_list(), next_list()
local next_arg = where_next()
wrong = first_bad_counter(counters, counter_names)
  or first_bad_counter(counters, names_of(increments))
  or job and first_bad_counter(job, names_of(job_increments))
if wrong then
  return { 'corrupt', wrong }
end
if job and audit_refused(audit_head, audit_pairs) then
  return { 'audit' }
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

local to_target, to_dead, staying = {}, {}, 0
local as_it_lies = { m = true, t = true, e = true, b = true, x = true }
local replacing, restored = {}, {} -- what takes the place of a message, by place; what is restored
for i = 1, count do
  local letter = string.sub(plan, i, i)
  if letter == 'w' then
    staying = staying + 1
  else
    local payload = oldest_first[i]
    if not as_it_lies[letter] then
      payload = ARGV[next_arg]
      next_arg = next_arg + 1
    elseif letter == 'e' or letter == 'b' then
      replacing[i] = ARGV[next_arg]
      if letter == 'b' then
        restored[#restored + 1] = ARGV[next_arg]
      end
      next_arg = next_arg + 1
      staying = staying + 1
    end
    local list = names[letter] == names.r and to_target or to_dead
    if letter ~= 'x' then
      list[#list + 1] = payload
    end
    tally[names[letter]] = tally[names[letter]] + 1
  end
end
if next_arg ~= #ARGV + 1 then
  return redis.error_reply('ERR commit.lua: the plan and what is pushed do not match')
end

local entry, earlier = redis.call('HGET', state, remembered .. 'journal'), nil
if entry and string.match(entry, '^%d+%-%d+$')
  and redis.call('HGET', state, remembered .. 'journal_cycle') == cycle then
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
for _, part in ipairs(name_and_number(sums, '')) do
  entry_pairs[#entry_pairs + 1] = part
end
entry = redis.call('XADD', journal, 'MAXLEN', '~', ARGV[8], '*', unpack(entry_pairs))
if skip == 0 and staying == 0 then
  redis.call('LTRIM', source, 0, -(count + 1))
else
  -- What stays must keep its place: mark what goes, then remove the marks.
  local mark = 'moved by commit ' .. commit_id
  for i = 1, count do
    if replacing[i] then
      redis.call('LSET', source, -(skip + i), replacing[i])
    elseif string.sub(plan, i, i) ~= 'w' then
      redis.call('LSET', source, -(skip + i), mark)
    end
  end
  -- The search begins at the nearer end: half a million messages may wait at the other one.
  local newer = redis.call('LLEN', source) - skip - count
  local goes = count - staying
  if goes > 0 then -- LREM takes 0 for all
    redis.call('LREM', source, newer < skip and goes or -goes, mark)
  end
end
local function push(command, key, payloads)
  for from = 1, #payloads, 1000 do -- far below what Lua's stack takes in one call
    redis.call(command, key, unpack(payloads, from, math.min(from + 999, #payloads)))
  end
end
for _, message in ipairs(restored) do
  redis.call('LREM', target, 1, message)
end
push(push_command, target, to_target)
push('LPUSH', dead, to_dead)
for i, name in ipairs(in_order) do
  if tally[name] > 0 then
    redis.call('HINCRBY', counters, counter_names[i], tally[name])
  end
end
for i = 1, #increments, 2 do
  redis.call('HINCRBY', counters, increments[i], increments[i + 1])
end
redis.call('HSET', state, remembered .. 'commit', commit_id, remembered .. 'journal', entry,
  remembered .. 'journal_cycle', cycle, unpack(name_and_number(tally, remembered)))
if #state_pairs > 0 then
  redis.call('HSET', state, unpack(state_pairs))
end
if #pace_pairs > 0 then
  redis.call('HSET', pace, unpack(pace_pairs))
end
if job then
  if #job_pairs > 0 then
    redis.call('HSET', job, unpack(job_pairs))
  end
  for i = 1, #job_increments, 2 do
    redis.call('HINCRBY', job, job_increments[i], job_increments[i + 1])
  end
  for _, place in ipairs(places) do
    redis.call('SETBIT', done, place, 1)
  end
  audit_add(audit, audit_head, audit_pairs)
end
redis.call('PEXPIRE', lease, ARGV[2])
local moved = {}
for i, name in ipairs(in_order) do
  moved[i] = tally[name]
end
return answer('moved', moved)
