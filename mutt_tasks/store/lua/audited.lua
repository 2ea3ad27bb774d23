-- Purpose: write an entry of the audit that goes with no other change: a look, a refusal, or what
-- somebody else has changed. With a record it is written once for what that remembers.
--
-- KEYS[1] -> audit stream   KEYS[2] -> head of the audit's chain (hash)
-- KEYS[3] -> a hash that remembers what was written, or none
-- ARGV[1] -> list of pairs: the entry
-- next    -> list of pairs: fields of the record and what they are to hold
--
-- Returns {'audited'}, or
--         {'again'}          the record holds all of that already
--         {'audit'}          the entry does not follow the last one
--         {'corrupt', what}  a key of ours holds something else
local audit, head, record = KEYS[1], KEYS[2], KEYS[3]
local wrong = first_of_wrong_type({ audit, 'stream', head, 'hash' })
  or record and first_of_wrong_type({ record, 'hash' })
if wrong then
  return { 'corrupt', wrong }
end
local next_list = lists_of_args(1)
local entry, remembered = next_list(), next_list()
local is_new = not record
for i = 1, #remembered, 2 do
  is_new = is_new or redis.call('HGET', record, remembered[i]) ~= remembered[i + 1]
end
if not is_new then
  return { 'again' }
end
if audit_refused(head, entry) then
  return { 'audit' }
end

-- From here on only writes.
if record and #remembered > 0 then
  redis.call('HSET', record, unpack(remembered))
end
audit_add(audit, head, entry)
return { 'audited' }
