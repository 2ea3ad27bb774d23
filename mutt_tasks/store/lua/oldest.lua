-- Purpose: read the oldest message of a list, to tell its age, unless it is too large to be
-- worth sending at every scrape.
--
-- KEYS[1] -> the list (the oldest message is the rightmost)
-- ARGV[1] -> largest size to return, bytes
--
-- Returns the message, or false.
local oldest = redis.call('LINDEX', KEYS[1], -1)
if oldest and #oldest <= tonumber(ARGV[1]) then
  return oldest
end
return false
