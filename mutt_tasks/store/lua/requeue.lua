-- Purpose: put one message of the dead letter list back into its route's dead letter queue, as the
-- next to be looked at; count, journal and audit it, all in one step, once for each request.
--
-- KEYS[1] -> what was done for this request, a string   KEYS[2] -> dead letter list
-- KEYS[3] -> the route's source list                    KEYS[4] -> the route's state hash
-- KEYS[5] -> counters hash                              KEYS[6] -> journal stream
-- KEYS[7] -> audit stream                               KEYS[8] -> head of the audit's chain (hash)
--
-- ARGV[1] -> how long to remember the request, ms
-- ARGV[2] -> how many messages of the dead letter list are older than the wanted one
-- ARGV[3] -> SHA-1 of its bytes
-- ARGV[4] -> the bytes to put back
-- ARGV[5] -> what to remember of the request
-- ARGV[6] -> the counter to raise
-- ARGV[7] -> the journal's largest length (approximate)
-- ARGV[8] -> field `flow` of the state as it was read, empty when it was not there
-- ARGV[9] -> the same after the source has grown by one
-- ARGV[10] -> lists of pairs: the journal's entry; the audit's entry
--
-- Returns {'requeued'}, or
--         {'again'}          this request was done before
--         {'changed'}        the message is not where it was seen, or the flow is another one
--         {'audit'}          the audit's entry does not follow its last one
--         {'corrupt', what}  a key of ours or a list holds something else
local record, dead, source, state, counters, journal =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local audit, audit_head = KEYS[7], KEYS[8]

local counter = ARGV[6]
local wrong = first_of_wrong_type({
  record, 'string', dead, 'list', source, 'list', state, 'hash', counters, 'hash',
  journal, 'stream', audit, 'stream', audit_head, 'hash',
}) or first_bad_counter(counters, { counter })
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('EXISTS', record) == 1 then
  return { 'again' }
end
local older = tonumber(ARGV[2])
local message = redis.call('LINDEX', dead, -(older + 1))
if not message or redis.sha1hex(message) ~= ARGV[3] then
  return { 'changed' }
end
if (redis.call('HGET', state, 'flow') or '') ~= ARGV[8] then
  return { 'changed' }
end
local next_list = lists_of_args(10)
local journal_pairs, audit_pairs = next_list(), next_list()
if audit_refused(audit_head, audit_pairs) then
  return { 'audit' }
end

-- From here on only writes; none of them can fail for a reason that was not checked above.
-- Of equal messages it does not matter which one goes: the search begins at the nearer end.
local is_old = older < redis.call('LLEN', dead) / 2
redis.call('LREM', dead, is_old and -1 or 1, message)
redis.call('RPUSH', source, ARGV[4])
redis.call('HINCRBY', counters, counter, 1)
redis.call('XADD', journal, 'MAXLEN', '~', ARGV[7], '*', unpack(journal_pairs))
audit_add(audit, audit_head, audit_pairs)
-- It lies before the messages that are known to wait; the growth is no arrival of failures.
redis.call('HDEL', state, 'cursor', 'cursor_until')
if ARGV[9] ~= '' then
  redis.call('HSET', state, 'flow', ARGV[9])
end
redis.call('SET', record, ARGV[5], 'PX', ARGV[1])
return { 'requeued' }
