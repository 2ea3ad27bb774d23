-- Purpose: begin an operator's pause, or put another one in its place, journal it and audit it, once
-- for each request.
--
-- KEYS[1] -> what was done for this request (string)
-- KEYS[2] -> the pause (hash)    KEYS[3] -> journal stream
-- KEYS[4] -> audit stream        KEYS[5] -> head of the audit's chain (hash)
--
-- ARGV[1] -> how long to remember the request, ms
-- ARGV[2] -> how long the pause lasts, ms
-- ARGV[3] -> the journal's largest length (approximate)
-- ARGV[4] -> lists of pairs: the pause; the journal's entry; the audit's entry
--
-- Returns {'paused'}, {'again'} when this request was done before, {'audit'} when the audit's entry
-- does not follow its last one, or {'corrupt', what}.
local wrong = first_of_wrong_type({
  KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'stream', KEYS[4], 'stream', KEYS[5], 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return { 'again' }
end
local next_list = lists_of_args(4)
local pause, entry, audited = next_list(), next_list(), next_list()
if audit_refused(KEYS[5], audited) then
  return { 'audit' }
end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], unpack(pause))
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', unpack(entry))
audit_add(KEYS[4], KEYS[5], audited)
redis.call('SET', KEYS[1], 'paused', 'PX', ARGV[1])
return { 'paused' }
