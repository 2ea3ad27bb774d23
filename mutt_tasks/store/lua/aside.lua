-- Purpose: step over messages at the old end of a list, or back: they wait in a list beside it, in
-- their order, so that a job deep inside the list works at its end.
--
-- KEYS[1] -> lease   KEYS[2] -> the list   KEYS[3] -> the list beside it
-- KEYS[4] -> state hash of the list's route
-- ARGV[1] -> the lease's value while it is ours   ARGV[2] -> the lease's new time to live, ms
-- ARGV[3] -> how many messages lie aside          ARGV[4] -> how many should, at most 1,000 away
-- ARGV[5] -> counter in the state hash of the messages that are stepped over (empty: none)
-- ARGV[6] -> list of pairs: fields of the state hash
--
-- Returns {'stepped', how many lie aside now}, or
--         {'changed', how many lie aside}   it was another number; nothing is done
--         {'fenced'}                        the lease is not ours
--         {'corrupt', what}                 a key holds something else
local lease, list, aside, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local wrong = first_of_wrong_type({
  lease, 'string', list, 'list', aside, 'list', state, 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
if redis.call('GET', lease) ~= ARGV[1] then
  return { 'fenced' }
end
local found, wanted = redis.call('LLEN', aside), tonumber(ARGV[4])
local counter, state_pairs = ARGV[5], lists_of_args(6)()
wrong = first_bad_counter(state, { 'stepped', counter })
if wrong then
  return { 'corrupt', wrong }
end
if found ~= tonumber(ARGV[3]) then
  return { 'changed', found }
end

-- From here on only writes.
while found < wanted and redis.call('LMOVE', list, aside, 'RIGHT', 'LEFT') do
  found = found + 1
end
if counter ~= '' and found > tonumber(ARGV[3]) then
  redis.call('HINCRBY', state, counter, found - tonumber(ARGV[3]))
end
while found > wanted do
  redis.call('LMOVE', aside, list, 'LEFT', 'RIGHT')
  found = found - 1
end
redis.call('HINCRBY', state, 'stepped', 1) -- who reads the list sees that it was not all there
if #state_pairs > 0 then
  redis.call('HSET', state, unpack(state_pairs))
end
redis.call('PEXPIRE', lease, ARGV[2])
return { 'stepped', found }
