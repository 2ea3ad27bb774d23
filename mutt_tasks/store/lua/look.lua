-- Purpose: read the oldest messages of a list, removing nothing, within a budget of bytes.
--
-- KEYS[1] -> the list (the oldest message is the rightmost)
-- ARGV[1] -> how many of the oldest to pass over
-- ARGV[2] -> how many to return at most
-- ARGV[3] -> how many bytes to return at most; one message is returned whatever its size
--
-- Returns the messages, oldest first.
local skip, most, budget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local found, count, bytes, step = {}, 0, 0, 1
-- Deep inside a list each read walks there anew, so there are fewer of them.
local growth = skip > 10000 and 8 or 2
while count < most and bytes < budget do
  local from = skip + count
  step = math.min(step, most - count)
  local chunk = redis.call('LRANGE', KEYS[1], -(from + step), -(from + 1))
  for i = #chunk, 1, -1 do
    local size = #chunk[i]
    if count > 0 and bytes + size > budget then
      return found
    end
    count, bytes = count + 1, bytes + size
    found[count] = chunk[i]
  end
  if #chunk < step then
    return found
  end
  -- Fetch about as much next as the budget still takes, going by the sizes seen so far.
  step = math.min(step * growth, 1024, math.floor((budget - bytes) * count / (bytes + 1)) + 1)
end
return found
