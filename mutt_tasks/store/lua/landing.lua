-- Purpose: find out where replays have landed: read the newest messages of their source, and count
-- those that still lie in the queues, all within bounds, removing nothing.
--
-- KEYS[1] -> source list (the newest message is the leftmost)
-- KEYS[2] -> target list      KEYS[3] -> alert queue (may be the target)
-- ARGV[1] -> how many messages came into the source since the last look
-- ARGV[2] -> how many of these to return at most: half of them the newest, half the oldest
-- ARGV[3] -> how many bytes to look at for each half, at most
-- ARGV[4] -> how large a message is returned, at most; larger ones are left out
-- ARGV[5] -> route name, as it stands in the header of our replays
-- ARGV[6] -> how many of a queue's newest messages to look at, at most
-- ARGV[7] -> how many bytes of them to look at, at most
-- ARGV[8] -> list of what the last look found: digest of the target's oldest message, replays there
--            (and what was sent since), and the same for the alert queue; empty when there was none
--
-- Returns {{digest of the target's oldest message, replays in it, and the same for the alert queue
-- if that is another}, {oldest arrivals}, {newest arrivals}}.
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

local found = 0
-- The alerter wraps an event in an alert, as JSON in JSON: quotes may have a backslash. Where the
-- route stands in a header is known, so only a few bytes of a few headers are matched.
local header = '^_remediation.-route[\\%s":]+([^\\"]+)[\\"]'
local is_last = KEYS[2] == KEYS[3]
local function count(message)
  local from, is_ours, is_others = 1, false, false
  for _ = 1, 4 do
    local at = string.find(message, '_remediation', from, true)
    if not at then
      break
    end
    local route = string.match(string.sub(message, at, at + 200), header)
    is_ours = is_ours or route == ARGV[5]
    is_others = is_others or (route ~= nil and route ~= ARGV[5])
    from = at + 1
  end
  -- An alert that was replayed behind the alerter keeps the older header of its event.
  if is_ours and (is_last or not is_others) then
    found = found + 1
  end
end
local known, sights = lists_of_args(8)(), {}
local function look_at(queue)
  found = 0
  local seen = each_of(queue, 0, tonumber(ARGV[6]), tonumber(ARGV[7]), count)
  local oldest, length = redis.call('LINDEX', queue, -1) or '', redis.call('LLEN', queue)
  local digest = redis.sha1hex(#oldest .. ':' .. string.sub(oldest, 1, 65536))
  -- Of a queue that is longer than what was looked at, the same share is replays.
  local replays = math.ceil(found * length / math.max(1, seen))
  if seen < length and digest == known[#sights + 1] then
    -- Nobody takes anything: that live messages cover the replays must not look like progress.
    replays = math.max(replays, tonumber(known[#sights + 2]))
  end
  sights[#sights + 1] = digest
  sights[#sights + 1] = replays
end
look_at(KEYS[2])
if not is_last then
  look_at(KEYS[3])
end

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
return { sights, some(arrivals - oldest, oldest), some(0, newest) }
