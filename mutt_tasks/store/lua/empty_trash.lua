-- Purpose: remove for good what a job threw away so long ago that its time is over: a part at a
-- time, counted with it; the last part is journalled and audited.
--
-- KEYS[1] -> lease           KEYS[2] -> jobs with something in the trash (zset)
-- KEYS[3] -> counters hash   KEYS[4] -> journal stream
-- KEYS[5] -> audit stream    KEYS[6] -> head of the audit's chain (hash)
-- KEYS[7..] -> what the job took, a list each
--
-- ARGV[1] -> the lease's value while it is ours   ARGV[2] -> the lease's new time to live, ms
-- ARGV[3] -> the job's id                         ARGV[4] -> how many messages to remove at most
-- ARGV[5] -> the moment, s since 1970             ARGV[6] -> the journal's largest length (about)
-- ARGV[7] -> list: the counter of each list
-- next    -> lists of pairs: the journal's entry; the audit's entry
--
-- Returns {'emptied', how many were removed, how many are left}, or
--         {'kept'}            its time is not over
--         {'fenced'}          the lease is not ours
--         {'audit'}           the audit's entry does not follow its last one
--         {'corrupt', what}   a key of ours holds something else
local lease, trash, counters, journal = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local audit, audit_head = KEYS[5], KEYS[6]
local expected = {
  lease, 'string', trash, 'zset', counters, 'hash', journal, 'stream', audit, 'stream',
  audit_head, 'hash',
}
for i = 7, #KEYS do
  expected[#expected + 1] = KEYS[i]
  expected[#expected + 1] = 'list'
end
local next_list = lists_of_args(7)
local counter_names, entry, audited = next_list(), next_list(), next_list()
local wrong = first_of_wrong_type(expected) or first_bad_counter(counters, counter_names)
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('GET', lease) ~= ARGV[1] then
  return { 'fenced' }
end
local until_when = redis.call('ZSCORE', trash, ARGV[3])
if not until_when or tonumber(until_when) > tonumber(ARGV[5]) then
  return { 'kept' }
end
local most, left = tonumber(ARGV[4]), 0
for i = 7, #KEYS do
  left = left + redis.call('LLEN', KEYS[i])
end
if left <= most and audit_refused(audit_head, audited) then
  return { 'audit' }
end

-- From here on only writes.
local removed = 0
for i = 7, #KEYS do
  local count = math.min(redis.call('LLEN', KEYS[i]), most - removed)
  if count > 0 then
    redis.call('LTRIM', KEYS[i], count, -1)
    redis.call('HINCRBY', counters, counter_names[i - 6], count)
    removed = removed + count
  end
end
if left <= most then
  redis.call('ZREM', trash, ARGV[3])
  redis.call('XADD', journal, 'MAXLEN', '~', ARGV[6], '*', unpack(entry))
  audit_add(audit, audit_head, audited)
end
redis.call('PEXPIRE', lease, ARGV[2])
return { 'emptied', removed, left - removed }
