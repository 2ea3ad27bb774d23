-- Purpose: write an entry of the audit in the same step as the change that it tells; scripts.py
-- puts this in front of the scripts that do. `pairs` is the entry, name, value, name, value, ...;
-- it is empty where nothing is to be audited.

-- The value of a name in a list of pairs.
local function audit_value(pairs, wanted)
  for i = 1, #pairs, 2 do
    if pairs[i] == wanted then
      return pairs[i + 1]
    end
  end
end

-- Whether the entry does not follow the last one, for somebody else has written one since.
local function audit_refused(head, pairs)
  return #pairs > 0 and (redis.call('HGET', head, 'hash') or '') ~= audit_value(pairs, 'prev')
end

-- Appends the entry. Entries are kept for 400 days at least; the head names the oldest that is
-- left, so that what is removed because of its age can be told from what is missing.
local function audit_add(audit, head, pairs)
  if #pairs == 0 then
    return
  end
  local kept_from = redis.call('TIME')[1] - 400 * 86400
  local id = redis.call('XADD', audit, 'MINID', '~', string.format('%.0f-0', kept_from * 1000),
    '*', unpack(pairs))
  local oldest = redis.call('XRANGE', audit, '-', '+', 'COUNT', 1)[1][1]
  -- Nothing here may fail, whatever stands there: the change is made already.
  local written = tonumber(redis.call('HGET', head, 'entries') or '') or 0
  redis.call('HSET', head, 'hash', audit_value(pairs, 'hash'), 'id', id, 'oldest', oldest,
    'entries', string.format('%.0f', written + 1))
end
