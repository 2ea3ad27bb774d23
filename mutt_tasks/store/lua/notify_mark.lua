-- Purpose: note once what becomes of a message that is under way to a target: that a process has
-- taken it in hand, or what came of it.
--
-- KEYS[1] -> the message (hash)
--
-- ARGV[1] -> its id    ARGV[2] -> the field that is noted once    ARGV[3] -> what it is to hold
-- ARGV[4] -> list of pairs: what is noted beside it
--
-- Returns {'marked'}, also when the answer to the same call was lost, or
--         {'again'}          something else was noted there before
--         {'gone'}           the message is not there any more
--         {'corrupt', what}  the key holds something else
local wrong = first_of_wrong_type({ KEYS[1], 'hash' })
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return { 'gone' }
end
local noted = redis.call('HGET', KEYS[1], ARGV[2])
if noted then
  return { noted == ARGV[3] and 'marked' or 'again' }
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], unpack(lists_of_args(4)()))
return { 'marked' }
