-- Sets a holder's counter and notice; only the holder calls it.
--
-- Input:
--   KEYS[1]  hash of all holders
--   KEYS[2]  set of the holder's revocations
--   KEYS[3]  set of the sessions the holder let go of
--   ARGV[1]  holder
--   ARGV[2]  counter
--   ARGV[3]  notice as JSON; '' keeps the one that stands
--   ARGV[4…] sessions that every master knows to be removed: nothing needs to be kept of them
--
-- Output:
--   [1]  the counter with which the holder's entry here began: another one than before means that this master was
--        emptied meanwhile, even if the answer that would have told so was lost
--   [2]  the counter that was there; 0 when there was none
--   [3]  the revocations
local standing = redis.call('HGET', KEYS[1], ARGV[1])
local previous, began, notice = string.match(standing or '0 0 ', '^(%d+) (%d+) (.*)$')
local counter = tonumber(ARGV[2])
if previous == '0' then
  began = ARGV[2]
end
-- A beat that lay in a stopped server's buffers must not undo a later one.
if counter >= tonumber(previous) then
  if ARGV[3] ~= '' then
    notice = ARGV[3]
  end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. began .. ' ' .. notice)
end
for at = 4, #ARGV do
  redis.call('SREM', KEYS[2], ARGV[at])
  redis.call('SREM', KEYS[3], ARGV[at])
end
return { tonumber(began), tonumber(previous), redis.call('SMEMBERS', KEYS[2]) }
