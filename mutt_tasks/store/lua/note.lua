-- Purpose: write down what somebody notes about a message or a group, and audit it, once for each
-- request.
--
-- KEYS[1] -> what was done for this request (string)   KEYS[2] -> the notes (list)
-- KEYS[3] -> audit stream                              KEYS[4] -> head of the audit's chain (hash)
--
-- ARGV[1] -> how long to remember the request, ms      ARGV[2] -> the note
-- ARGV[3] -> how many notes are kept                   ARGV[4] -> for how long, ms
-- ARGV[5] -> list of pairs: the audit's entry
--
-- Returns {'noted'}, {'again'} when this request was done before, {'audit'} when the audit's entry
-- does not follow its last one, or {'corrupt', what}.
local wrong = first_of_wrong_type({
  KEYS[1], 'string', KEYS[2], 'list', KEYS[3], 'stream', KEYS[4], 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return { 'again' }
end
local audited = lists_of_args(5)()
if audit_refused(KEYS[4], audited) then
  return { 'audit' }
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
redis.call('LPUSH', KEYS[2], ARGV[2])
redis.call('LTRIM', KEYS[2], 0, ARGV[3] - 1)
redis.call('PEXPIRE', KEYS[2], ARGV[4])
audit_add(KEYS[3], KEYS[4], audited)
redis.call('SET', KEYS[1], 'noted', 'PX', ARGV[1])
return { 'noted' }
