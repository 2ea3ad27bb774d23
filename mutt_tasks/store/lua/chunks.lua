-- Purpose: go through the newest messages of a list within bounds; scripts.py puts this in front of
-- the scripts that do.
--
-- Calls `use` with each message, newest first, beginning at the place `from`: at most `most` of them,
-- and `budget` bytes or a little more. Returns how many it was.
local function each_of(list, from, most, budget, use)
  local seen, step = 0, 1
  while seen < most and budget > 0 do
    step = math.min(step, most - seen)
    local chunk = redis.call('LRANGE', list, from + seen, from + seen + step - 1)
    local bytes = 0
    for _, message in ipairs(chunk) do
      bytes = bytes + #message
      use(message)
    end
    seen, budget = seen + #chunk, budget - bytes
    if #chunk < step then
      return seen
    end
    -- Fetch about as many next as the budget still takes, going by the sizes of these.
    step = math.min(step * 2, 128, math.floor(budget * step / (bytes + 1)) + 1)
  end
  return seen
end
