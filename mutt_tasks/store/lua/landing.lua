-- Purpose: count the replays that still lie in the queues, within bounds, removing nothing.
--
-- KEYS[1] -> target list      KEYS[2] -> alert queue (may be the target)
-- ARGV[1] -> route name, as it stands in the header of our replays
-- ARGV[2] -> how many of the queues' newest messages to look at, at most; each gets the same share
-- ARGV[3] -> how many bytes of them to look at, at most
-- ARGV[4] -> list of what the last look found: digest of the target's oldest message, digest of its
--            length and both its ends, replays there (and what was sent since), and the same for the
--            alert queue; empty when there was none
--
-- Returns {digest of the target's oldest message, digest of its length and both its ends, replays in
-- it, and the same for the alert queue if that is another}.
local found = 0
-- The alerter wraps an event in an alert, as JSON in JSON: quotes may have a backslash. Where the
-- route stands in a header is known, so only a few bytes of a few headers are matched.
local header = '^_remediation.-route[\\%s":]+([^\\"]+)[\\"]'
local is_last = KEYS[1] == KEYS[2]
local function count(message)
  local from, is_ours, is_others = 1, false, false
  for _ = 1, 4 do
    local at = string.find(message, '_remediation', from, true)
    if not at then
      break
    end
    local route = string.match(string.sub(message, at, at + 200), header)
    is_ours = is_ours or route == ARGV[1]
    is_others = is_others or (route ~= nil and route ~= ARGV[1])
    from = at + 1
  end
  -- An alert that was replayed behind the alerter keeps the older header of its event.
  if is_ours and (is_last or not is_others) then
    found = found + 1
  end
end
local known, sights = lists_of_args(4)(), {}
local share = is_last and 1 or 0.5
local function digest_at(queue, place)
  local message = redis.call('LINDEX', queue, place) or ''
  return redis.sha1hex(#message .. ':' .. string.sub(message, 1, 65536))
end
local function replays_in(queue, length, is_untaken, before)
  found = 0
  local seen = each_of(queue, 0, math.ceil(share * ARGV[2]), math.ceil(share * ARGV[3]), count)
  -- Of a queue that is longer than what was looked at, the same share is replays.
  local replays = math.ceil(found * length / math.max(1, seen))
  -- Nobody takes anything: that live messages cover the replays must not look like progress.
  return seen < length and is_untaken and math.max(replays, before) or replays
end
local function look_at(queue)
  local at, length = #sights, redis.call('LLEN', queue)
  local oldest = digest_at(queue, -1)
  local whole = redis.sha1hex(length .. ':' .. oldest .. digest_at(queue, 0))
  local before = tonumber(known[at + 3] or 0)
  sights[at + 1], sights[at + 2] = oldest, whole
  -- What cannot have changed is not looked through again.
  sights[at + 3] = whole == known[at + 2] and before
    or replays_in(queue, length, oldest == known[at + 1], before)
end
look_at(KEYS[1])
if not is_last then
  look_at(KEYS[2])
end
return sights
