-- Purpose: what must be true before a first write; scripts.py puts this in front of the scripts
-- that write. Each function returns nil when all is well.

-- expected: {key, type, key, type, ...}; returns the first key of another type.
local function first_of_wrong_type(expected)
  for i = 1, #expected, 2 do
    local found = redis.call('TYPE', expected[i]).ok
    if found ~= 'none' and found ~= expected[i + 1] then
      return expected[i]
    end
  end
end

-- Returns the first of a hash's fields that HINCRBY could not raise: not a whole number, or
-- so near to 2^63 that it might overflow. A missing field is fine.
local function first_bad_counter(hash, fields)
  for _, field in ipairs(fields) do
    local value = redis.call('HGET', hash, field)
    if value and not (string.match(value, '^%d+$') and #value <= 17) then
      return hash .. ' field ' .. field
    end
  end
end
