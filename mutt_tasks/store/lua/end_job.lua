-- Purpose: end a job: note its state and what is left, journal it and audit it.
--
-- KEYS[1] -> lease                             KEYS[2] -> the job's hash
-- KEYS[3] -> jobs that have not ended (zset)   KEYS[4] -> jobs with something in the trash (zset)
-- KEYS[5] -> journal stream                    KEYS[6] -> audit stream
-- KEYS[7] -> head of the audit's chain (hash)
-- KEYS[8..] -> what only a job under way needs: its bitmaps, the bytes of an edit
--
-- ARGV[1] -> the lease's value while it is ours   ARGV[2] -> the job's id
-- ARGV[3] -> how long to keep it, ms              ARGV[4] -> whose trash is concerned, or empty
-- ARGV[5] -> when that is removed, s since 1970; empty when nothing is left there
-- ARGV[6] -> the journal's largest length (approximate)
-- ARGV[7] -> lists of pairs: fields of the job; the journal's entry; the audit's entry
--
-- Returns {'ended'}, or
--         {'again'}           it had ended before
--         {'fenced'}          the lease is not ours
--         {'audit'}           the audit's entry does not follow its last one
--         {'corrupt', what}   a key of ours holds something else
local lease, job, active, trash = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local journal, audit, audit_head = KEYS[5], KEYS[6], KEYS[7]

local wrong = first_of_wrong_type({
  lease, 'string', job, 'hash', active, 'zset', trash, 'zset', journal, 'stream',
  audit, 'stream', audit_head, 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
if not redis.call('ZSCORE', active, ARGV[2]) then
  return { 'again' }
end
if redis.call('GET', lease) ~= ARGV[1] then
  return { 'fenced' }
end
local next_list = lists_of_args(7)
local job_pairs, journal_pairs, audit_pairs = next_list(), next_list(), next_list()
if audit_refused(audit_head, audit_pairs) then
  return { 'audit' }
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
redis.call('HSET', job, unpack(job_pairs))
redis.call('PEXPIRE', job, ARGV[3])
redis.call('ZREM', active, ARGV[2])
if ARGV[4] ~= '' and ARGV[5] ~= '' then
  redis.call('ZADD', trash, ARGV[5], ARGV[4])
elseif ARGV[4] ~= '' then
  redis.call('ZREM', trash, ARGV[4])
end
for i = 8, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
redis.call('XADD', journal, 'MAXLEN', '~', ARGV[6], '*', unpack(journal_pairs))
audit_add(audit, audit_head, audit_pairs)
return { 'ended' }
