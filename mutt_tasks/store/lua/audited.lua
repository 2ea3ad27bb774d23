-- Purpose: write an entry of the audit that goes with no other change: a look, a refusal, or what
-- somebody else has changed; the latter only if the record of such changes holds what is known.
--
-- KEYS[1] -> audit stream     KEYS[2] -> head of the audit's chain (hash)
-- KEYS[3] -> journal stream   KEYS[4] -> the record: what was seen of others' changes (hash)
-- ARGV[1] -> the journal's largest length (approximate)
-- ARGV[2] -> lists of pairs, all but the first may be empty: the entry; the journal's entry; fields
--            of the record and what they hold (empty: they are missing); and are to hold
--
-- Returns {'audited'}, also when the answer to the same call was lost, or
--         {'again'}          the record holds something else, for somebody else has written it
--         {'audit'}          the entry does not follow the last one
--         {'corrupt', what}  a key of ours holds something else
local audit, head, journal, record = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local wrong = first_of_wrong_type({
  audit, 'stream', head, 'hash', journal, 'stream', record, 'hash',
})
if wrong then
  return { 'corrupt', wrong }
end
local next_list = lists_of_args(2)
local entry, told, before, after = next_list(), next_list(), next_list(), next_list()
if redis.call('HGET', head, 'hash') == audit_value(entry, 'hash') then
  return { 'audited' }
end
for i = 1, #before, 2 do
  if (redis.call('HGET', record, before[i]) or '') ~= before[i + 1] then
    return { 'again' }
  end
end
if audit_refused(head, entry) then
  return { 'audit' }
end

-- From here on only writes.
if #after > 0 then
  redis.call('HSET', record, unpack(after))
end
if #told > 0 then
  redis.call('XADD', journal, 'MAXLEN', '~', ARGV[1], '*', unpack(told))
end
audit_add(audit, head, entry)
return { 'audited' }
