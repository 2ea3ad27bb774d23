-- Purpose: note that a job is to end where it is, journal it and audit it, once for each request.
--
-- KEYS[1] -> what was done for this request, a string   KEYS[2] -> the job's hash
-- KEYS[3] -> jobs that have not ended (zset)            KEYS[4] -> journal stream
-- KEYS[5] -> audit stream                               KEYS[6] -> head of the audit's chain (hash)
--
-- ARGV[1] -> how long to remember the request, ms   ARGV[2] -> the job's id
-- ARGV[3] -> the journal's largest length (approximate)
-- ARGV[4] -> lists of pairs: the journal's entry; the audit's entry
--
-- Returns {'cancelled'}, or
--         {'again'}           this request was granted before
--         {'over'}            the job has ended, or is to be cancelled already
--         {'audit'}           the audit's entry does not follow its last one
--         {'corrupt', what}   a key of ours holds something else
local record, job, active, journal = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local audit, audit_head = KEYS[5], KEYS[6]

local wrong = first_of_wrong_type({
  record, 'string', job, 'hash', active, 'zset', journal, 'stream', audit, 'stream',
  audit_head, 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('EXISTS', record) == 1 then
  return { 'again' }
end
if not redis.call('ZSCORE', active, ARGV[2]) or redis.call('HGET', job, 'cancel') == '1' then
  return { 'over' }
end
local next_list = lists_of_args(4)
local journal_pairs, audit_pairs = next_list(), next_list()
if audit_refused(audit_head, audit_pairs) then
  return { 'audit' }
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
redis.call('HSET', job, 'cancel', '1')
redis.call('XADD', journal, 'MAXLEN', '~', ARGV[3], '*', unpack(journal_pairs))
audit_add(audit, audit_head, audit_pairs)
redis.call('SET', record, ARGV[2], 'PX', ARGV[1])
return { 'cancelled' }
