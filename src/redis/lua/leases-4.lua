-- Reads what this master knows of a holder.
--
-- Input:
--   KEYS[1]  hash of the holder's leases
--   KEYS[2]  set of the sessions the holder let go of
--   KEYS[3]  hash of all holders
--   KEYS[4]  hash of the holders forgotten last
--   ARGV[1]  holder
--   ARGV[2]  one session alone; '' for all
--
-- Output: [[session, '<version> <context>', …], [removed session, …], '<counter> <began> <notice>' or false, counter when forgotten or false]
local leases, removed
if ARGV[2] == '' then
  leases = redis.call('HGETALL', KEYS[1])
  removed = redis.call('SMEMBERS', KEYS[2])
else
  local lease = redis.call('HGET', KEYS[1], ARGV[2])
  leases = lease and { ARGV[2], lease } or {}
  removed = redis.call('SISMEMBER', KEYS[2], ARGV[2]) == 1 and { ARGV[2] } or {}
end
return { leases, removed, redis.call('HGET', KEYS[3], ARGV[1]), redis.call('HGET', KEYS[4], ARGV[1]) }
