-- Purpose: several reads at the same moment, as one command.
--
-- KEYS[1..] -> what each of them reads
-- ARGV[1] -> 1 to answer this server's time as well
-- ARGV[2] -> list: the first command, and what follows its key
-- next    -> the same of the others
--
-- Returns this server's time (or 0), and their answers; that of one whose key holds something else is
-- an error.
local next_list = lists_of_args(2)
local answers = { ARGV[1] == '1' and redis.call('TIME') or 0 }
for i = 1, #KEYS do
  local command = next_list()
  answers[i + 1] = redis.pcall(command[1], KEYS[i], unpack(command, 2))
end
return answers
