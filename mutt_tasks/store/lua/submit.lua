-- Purpose: enter a job that an operator asks for, journal it and audit it, once for each request.
--
-- KEYS[1] -> what was done for this request, a string   KEYS[2] -> the job's hash
-- KEYS[3] -> every job (zset)                            KEYS[4] -> jobs that have not ended (zset)
-- KEYS[5] -> jobs with something in the trash (zset)     KEYS[6] -> journal stream
-- KEYS[7] -> audit stream                                KEYS[8] -> head of the audit's chain (hash)
-- KEYS[9] -> the plan's hash; none for a job without a plan
-- KEYS[10..] -> the plan's frozen sets
--
-- ARGV[1] -> how long to remember the request, ms   ARGV[2] -> the job's id
-- ARGV[3] -> the moment, s since 1970               ARGV[4] -> the plan's ETag as it was agreed to
-- ARGV[5] -> how long to keep the plan, ms          ARGV[6] -> how long to keep its sets, ms
-- ARGV[7] -> the journal's largest length (approximate)
-- ARGV[8] -> of jobs that were submitted before this moment (s) none is listed any more
-- ARGV[9] -> when what the job throws away is removed, s since 1970; empty when it keeps nothing
-- ARGV[10] -> lists of pairs: the job; the journal's entry; the audit's entry
--
-- Returns {'submitted', the job's id}, or
--         {'again', the job's id}    this request was granted before
--         {'expired'}                the plan or one of its sets is gone
--         {'changed'}                the plan's ETag is another one
--         {'audit'}                  the audit's entry does not follow its last one
--         {'corrupt', what}          a key of ours holds something else
local record, job, jobs, active, trash = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local journal, audit, audit_head, plan = KEYS[6], KEYS[7], KEYS[8], KEYS[9]

local wrong = first_of_wrong_type({
  record, 'string', job, 'hash', jobs, 'zset', active, 'zset', trash, 'zset',
  journal, 'stream', audit, 'stream', audit_head, 'hash',
}) or plan and first_of_wrong_type({ plan, 'hash' })
if wrong then
  return { 'corrupt', wrong }
end
local granted = redis.call('GET', record)
if granted then
  return { 'again', granted }
end
if plan then
  local etag = redis.call('HGET', plan, 'etag')
  if not etag then
    return { 'expired' }
  end
  if etag ~= ARGV[4] then
    return { 'changed' }
  end
  for i = 10, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 0 then
      return { 'expired' }
    end
  end
end
local next_list = lists_of_args(10)
local job_pairs, journal_pairs, audit_pairs = next_list(), next_list(), next_list()
if audit_refused(audit_head, audit_pairs) then
  return { 'audit' }
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
redis.call('HSET', job, unpack(job_pairs))
redis.call('ZREMRANGEBYSCORE', jobs, '-inf', '(' .. ARGV[8])
redis.call('ZADD', jobs, ARGV[3], ARGV[2])
redis.call('ZADD', active, ARGV[3], ARGV[2])
if ARGV[9] ~= '' then
  redis.call('ZADD', trash, ARGV[9], ARGV[2])
end
if plan then
  redis.call('PEXPIRE', plan, ARGV[5])
  for i = 10, #KEYS do
    redis.call('PEXPIRE', KEYS[i], ARGV[6])
  end
end
redis.call('XADD', journal, 'MAXLEN', '~', ARGV[7], '*', unpack(journal_pairs))
audit_add(audit, audit_head, audit_pairs)
redis.call('SET', record, ARGV[2], 'PX', ARGV[1])
return { 'submitted', ARGV[2] }
