-- Purpose: write what the notifier knows and what is to be sent, in one step, while the lease of
-- those who send is ours. Each step has a number: a copy of one that comes late changes nothing.
--
-- KEYS[1] -> the lease (string)    KEYS[2] -> what the notifier knows (hash)
-- KEYS[3..] -> what is to be sent to a target (hash), one for each message that begins its way
--
-- ARGV[1] -> the lease's value while it is ours    ARGV[2] -> its new time to live, ms
-- ARGV[3] -> the number of this step               ARGV[4] -> how long a message is kept, ms
-- ARGV[5] -> list of pairs: fields of what the notifier knows
-- next    -> list: fields to remove
-- next    -> for each of KEYS[3..] a list of pairs: the message
--
-- Returns {'saved'}, also when the answer to the same call was lost, or
--         {'fenced'}         the lease is not ours, or a later step was done
--         {'corrupt', what}  a key of ours holds something else
local lease, state = KEYS[1], KEYS[2]
local expected = { lease, 'string', state, 'hash' }
for i = 3, #KEYS do
  expected[#expected + 1] = KEYS[i]
  expected[#expected + 1] = 'hash'
end
local wrong = first_of_wrong_type(expected)
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('GET', lease) ~= ARGV[1] then
  return { 'fenced' }
end
local last, step = tonumber(redis.call('HGET', state, 'step') or '') or 0, tonumber(ARGV[3])
if step == last then
  return { 'saved' }
end
if step < last then
  return { 'fenced' }
end
local next_list = lists_of_args(5)
local fields, gone = next_list(), next_list()

-- From here on only writes.
redis.call('HSET', state, 'step', ARGV[3], unpack(fields))
if #gone > 0 then
  redis.call('HDEL', state, unpack(gone))
end
for i = 3, #KEYS do
  redis.call('DEL', KEYS[i])
  redis.call('HSET', KEYS[i], unpack(next_list()))
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
redis.call('PEXPIRE', lease, ARGV[2])
return { 'saved' }
