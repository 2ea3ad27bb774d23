-- Purpose: end an operator's pause, journal it and audit it if there was one; a request that comes
-- again gets the answer that it got first.
--
-- KEYS[1] -> what was done for this request (string)
-- KEYS[2] -> the pause (hash)    KEYS[3] -> journal stream
-- KEYS[4] -> audit stream        KEYS[5] -> head of the audit's chain (hash)
--
-- ARGV[1] -> how long to remember the request, ms
-- ARGV[2] -> the journal's largest length (approximate)
-- ARGV[3] -> lists of pairs: the journal's entry; the audit's entry
--
-- Returns {'resumed'}, {'not_paused'}, {'audit'} when the audit's entry does not follow its last
-- one, or {'corrupt', what}.
local wrong = first_of_wrong_type({
  KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'stream', KEYS[4], 'stream', KEYS[5], 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
local before = redis.call('GET', KEYS[1])
if before then
  return { before }
end
local next_list = lists_of_args(3)
local entry, audited = next_list(), next_list()
local found = 'not_paused'
if redis.call('EXISTS', KEYS[2]) == 1 then
  if audit_refused(KEYS[5], audited) then
    return { 'audit' }
  end
  found = 'resumed'
  redis.call('DEL', KEYS[2])
  audit_add(KEYS[4], KEYS[5], audited)
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[2], '*', unpack(entry))
end
redis.call('SET', KEYS[1], found, 'PX', ARGV[1])
return { found }
