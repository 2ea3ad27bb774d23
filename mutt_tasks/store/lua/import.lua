-- Purpose: push messages to the new end of a list, as producers do; count, journal and audit that,
-- all in one step, once for each request.
--
-- KEYS[1] -> what was done for this request (string)   KEYS[2] -> the list
-- KEYS[3] -> state hash of the list's route            KEYS[4] -> counters hash
-- KEYS[5] -> journal stream                            KEYS[6] -> audit stream
-- KEYS[7] -> head of the audit's chain (hash)
--
-- ARGV[1] -> how long to remember the request, ms
-- ARGV[2] -> field `flow` of the state as it was read, empty when it was not there
-- ARGV[3] -> the same after the list has grown; empty when there is nothing to keep
-- ARGV[4] -> the counter to raise
-- ARGV[5] -> the journal's largest length (approximate)
-- ARGV[6] -> lists: the messages, the first of them first
-- next    -> lists of pairs: the journal's entry; the audit's entry
--
-- Returns {'imported'}, or
--         {'again'}          this request was done before
--         {'changed'}        the flow is another one
--         {'audit'}          the audit's entry does not follow its last one
--         {'corrupt', what}  a key of ours or the list holds something else
local record, list, state, counters, journal = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local audit, audit_head = KEYS[6], KEYS[7]

local wrong = first_of_wrong_type({
  record, 'string', list, 'list', state, 'hash', counters, 'hash', journal, 'stream',
  audit, 'stream', audit_head, 'hash',
}) or first_bad_counter(counters, { ARGV[4] })
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('EXISTS', record) == 1 then
  return { 'again' }
end
if (redis.call('HGET', state, 'flow') or '') ~= ARGV[2] then
  return { 'changed' }
end
local next_list = lists_of_args(6)
local messages, journal_pairs, audit_pairs = next_list(), next_list(), next_list()
if audit_refused(audit_head, audit_pairs) then
  return { 'audit' }
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
redis.call('LPUSH', list, unpack(messages))
redis.call('HINCRBY', counters, ARGV[4], #messages)
redis.call('XADD', journal, 'MAXLEN', '~', ARGV[5], '*', unpack(journal_pairs))
audit_add(audit, audit_head, audit_pairs)
-- The growth is no arrival of failures.
if ARGV[3] ~= '' then
  redis.call('HSET', state, 'flow', ARGV[3])
end
redis.call('SET', record, #messages, 'PX', ARGV[1])
return { 'imported' }
