-- Purpose: read some of the messages that came into a list lately, removing nothing.
--
-- KEYS[1] -> the list (the newest message is the leftmost)
-- ARGV[1] -> how many came into it since the last look
-- ARGV[2] -> how many of these to return at most: half of them the newest, half the oldest
-- ARGV[3] -> how many bytes to look at for each half, at most
-- ARGV[4] -> how large a message is returned, at most; larger ones are left out
--
-- Returns {{oldest arrivals}, {newest arrivals}}.
local arrivals, half = tonumber(ARGV[1]), math.ceil(tonumber(ARGV[2]) / 2)
local function some(from, most)
  local found = {}
  each_of(KEYS[1], from, most, tonumber(ARGV[3]), function(message)
    if #message <= tonumber(ARGV[4]) then
      found[#found + 1] = message
    end
  end)
  return found
end
local oldest = math.min(arrivals, half)
local newest = math.min(arrivals - oldest, half)
return { some(arrivals - oldest, oldest), some(0, newest) }
