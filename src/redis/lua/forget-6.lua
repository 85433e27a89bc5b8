-- Forgets a holder and all that is left of it here, and remembers that it was forgotten: a master that missed this
-- would show it again.
--
-- Input:
--   KEYS[1]  hash of the holder's leases
--   KEYS[2]  set of the sessions the holder let go of
--   KEYS[3]  set of the holder's revocations
--   KEYS[4]  hash of all holders
--   KEYS[5]  hash of the holders forgotten last
--   KEYS[6]  the same as a list, the oldest first
--   ARGV[1]  holder
--   ARGV[2]  the highest counter known of it; from the next one on it is there again
--   ARGV[3]  prefix of the directory's shards
--   ARGV[4]  digits of a session id that choose its shard
--   ARGV[5]  most holders remembered as forgotten
--
-- Output: 1
local standing = redis.call('HGET', KEYS[4], ARGV[1])
-- It is alive again, on this master at least.
if standing and tonumber(string.match(standing, '^%d+')) > tonumber(ARGV[2]) then
  return 1
end
for _, session in ipairs(redis.call('HKEYS', KEYS[1])) do
  local shard = ARGV[3] .. string.sub(session, 1, tonumber(ARGV[4]))
  if redis.call('HGET', shard, session) == ARGV[1] then
    redis.call('HDEL', shard, session)
  end
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
redis.call('HDEL', KEYS[4], ARGV[1])
if redis.call('HSET', KEYS[5], ARGV[1], ARGV[2]) == 1 then
  redis.call('RPUSH', KEYS[6], ARGV[1])
  while redis.call('LLEN', KEYS[6]) > tonumber(ARGV[5]) do
    redis.call('HDEL', KEYS[5], redis.call('LPOP', KEYS[6]))
  end
end
return 1
