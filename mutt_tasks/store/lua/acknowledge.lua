-- Purpose: note that somebody takes care of a message or a group until a moment, or take that back,
-- and audit it; a request that comes again gets the answer that it got first.
--
-- KEYS[1] -> what was done for this request (string)   KEYS[2] -> the acknowledgement (hash)
-- KEYS[3] -> all of them by when they end (zset)       KEYS[4] -> audit stream
-- KEYS[5] -> head of the audit's chain (hash)
--
-- ARGV[1] -> how long to remember the request, ms      ARGV[2] -> the message's or group's id
-- ARGV[3] -> when it ends, ms since 1970; empty to take it back
-- ARGV[4] -> lists of pairs: the acknowledgement; the audit's entry
--
-- Returns {'acknowledged'}, {'ended'}, {'not_acknowledged'} when there was none to take back,
-- {'audit'} when the audit's entry does not follow its last one, or {'corrupt', what}.
local record, ack, acks, audit, head = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local wrong = first_of_wrong_type({
  record, 'string', ack, 'hash', acks, 'zset', audit, 'stream', head, 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
local before = redis.call('GET', record)
if before then
  return { before }
end
local next_list = lists_of_args(4)
local fields, audited = next_list(), next_list()
local is_end = ARGV[3] == ''
local found = is_end and 'not_acknowledged' or 'acknowledged'
if not is_end or redis.call('EXISTS', ack) == 1 then
  if audit_refused(head, audited) then
    return { 'audit' }
  end
  redis.call('DEL', ack)
  redis.call('ZREM', acks, ARGV[2])
  redis.call('ZREMRANGEBYSCORE', acks, '-inf', redis.call('TIME')[1] * 1000)
  if is_end then
    found = 'ended'
  else
    redis.call('HSET', ack, unpack(fields))
    redis.call('PEXPIREAT', ack, ARGV[3])
    redis.call('ZADD', acks, ARGV[3], ARGV[2])
  end
  audit_add(audit, head, audited)
end
redis.call('SET', record, found, 'PX', ARGV[1])
return { found }
