-- Purpose: find out where replays have landed: read the newest messages of their source, and count
-- those that still lie in the queues, all within bounds, removing nothing.
--
-- KEYS[1] -> source list (the newest message is the leftmost)
-- KEYS[2] -> target list      KEYS[3] -> alert queue (may be the target)
-- ARGV[1] -> how many of the source's newest messages to return at most
-- ARGV[2] -> how many bytes of them to return at most
-- ARGV[3] -> route name, as it stands in the header of our replays
-- ARGV[4] -> how many of a queue's newest messages to look at, at most
-- ARGV[5] -> how many bytes of them to look at, at most
--
-- Returns the number of replays found in the queues, then the source's newest messages.
local function newest_of(list, most, budget, use)
  local from = 0
  while from < most and budget > 0 do
    local to = math.min(from + 99, most - 1)
    local chunk = redis.call('LRANGE', list, from, to)
    for _, message in ipairs(chunk) do
      budget = budget - #message
      if budget < 0 then
        return
      end
      use(message)
    end
    if #chunk < to - from + 1 then
      return
    end
    from = to + 1
  end
end

local under_way = 0
-- The alerter wraps an event in an alert, as JSON in JSON: quotes may have a backslash. Where the route
-- stands in a header is known, so only a few bytes of a few headers are matched.
local stamp = '^_remediation.-route[\\%s":]+' .. ARGV[3] .. '[\\"]'
local function count(message)
  local from = 1
  for _ = 1, 4 do
    local at = string.find(message, '_remediation', from, true)
    if not at then
      return
    end
    if string.find(string.sub(message, at, at + 200), stamp) then
      under_way = under_way + 1
      return
    end
    from = at + 1
  end
end
newest_of(KEYS[2], tonumber(ARGV[4]), tonumber(ARGV[5]), count)
if KEYS[3] ~= KEYS[2] then
  newest_of(KEYS[3], tonumber(ARGV[4]), tonumber(ARGV[5]), count)
end
local found = { 0 }
newest_of(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), function(message)
  found[#found + 1] = message
end)
found[1] = under_way
return found
