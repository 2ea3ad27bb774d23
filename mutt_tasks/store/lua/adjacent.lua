-- Purpose: read adjacent messages of a list of which some lie beside it, and its ends, at once.
--
-- KEYS[1] -> the list   KEYS[2..] -> where its older messages lie, the oldest ones last
-- ARGV[1] -> R to count from the oldest message on, L from the newest
-- ARGV[2] -> how many to pass over there   ARGV[3] -> how many to return behind them
-- ARGV[4] -> how many of the newest, and of the oldest, to return as well
--
-- Returns {how long each of the lists is, messages, the newest, the oldest}, the newest first.
local lengths, total = {}, 0
for i = 1, #KEYS do
  lengths[i] = redis.call('LLEN', KEYS[i])
  total = total + lengths[i]
end
local function messages(skip, count)
  local found = {}
  for i = 1, #KEYS do
    local here = math.min(count, lengths[i] - skip)
    if here > 0 then
      for _, message in ipairs(redis.call('LRANGE', KEYS[i], skip, skip + here - 1)) do
        found[#found + 1] = message
      end
      count = count - here
    end
    skip = math.max(0, skip - lengths[i])
  end
  return found
end
local function oldest(skip, count)
  local last = math.max(0, total - skip)
  local first = math.max(0, last - count)
  return messages(first, last - first)
end
local read, ends = ARGV[1] == 'R' and oldest or messages, tonumber(ARGV[4])
return {
  lengths, read(tonumber(ARGV[2]), tonumber(ARGV[3])), messages(0, ends), oldest(0, ends),
}
