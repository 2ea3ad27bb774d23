-- Purpose: read arguments one after the other; scripts.py puts this in front of the scripts that
-- take lists. A list stands there as how many values follow, and then the values; pairs are a list
-- of name, value, name, value, ...
--
-- Returns a function that returns the next list of ARGV each time, beginning at `at`, and one that
-- returns where the next list begins.
local function lists_of_args(at)
  local function next_list()
    local values, last = {}, at + tonumber(ARGV[at])
    for i = at + 1, last do
      values[#values + 1] = ARGV[i]
    end
    at = last + 1
    return values
  end
  return next_list, function()
    return at
  end
end

-- Every other value of a list of pairs: the names.
local function names_of(pairs)
  local names = {}
  for i = 1, #pairs, 2 do
    names[#names + 1] = pairs[i]
  end
  return names
end
