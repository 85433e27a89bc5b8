-- Registers a session with its holder, or replaces its context.
--
-- Input:
--   KEYS[1]  hash of the holder's leases
--   KEYS[2]  set of the sessions the holder let go of
--   KEYS[3]  the session's shard of the directory
--   KEYS[4]  hash of all holders
--   ARGV[1]  holder
--   ARGV[2]  session
--   ARGV[3]  version, which the holder raises with every call
--   ARGV[4]  context as JSON
--
-- Output: 1 when it was taken; 0 when a later version or a removal stands, which is as good
if redis.call('SISMEMBER', KEYS[2], ARGV[2]) == 1 then
  return 0
end
local standing = redis.call('HGET', KEYS[1], ARGV[2])
if standing and tonumber(string.match(standing, '^%d+')) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ' ' .. ARGV[4])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
-- Seen among the holders even if its first heartbeat never comes.
redis.call('HSETNX', KEYS[4], ARGV[1], '0 0 ')
return 1
