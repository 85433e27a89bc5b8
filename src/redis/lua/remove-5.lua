-- Lets go of a session for good: a put that arrives later is refused, and readers that meet the session on a master
-- which missed this are told by the set of removed sessions.
--
-- Input:
--   KEYS[1]  hash of the holder's leases
--   KEYS[2]  set of the sessions the holder let go of
--   KEYS[3]  set of the holder's revocations
--   KEYS[4]  the session's shard of the directory
--   KEYS[5]  hash of all holders
--   ARGV[1]  holder
--   ARGV[2]  session
--   ARGV[3]  most members of KEYS[2]; any one above that gives way
--   ARGV[4]  seconds for which KEYS[2] is kept when the holder is not known here, so that nobody would forget it
--
-- Output: 1
redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('SREM', KEYS[3], ARGV[2])
if redis.call('HGET', KEYS[4], ARGV[2]) == ARGV[1] then
  redis.call('HDEL', KEYS[4], ARGV[2])
end
-- A server whose memory is full refuses to remember, but lets go all the same.
redis.pcall('SADD', KEYS[2], ARGV[2])
while redis.call('SCARD', KEYS[2]) > tonumber(ARGV[3]) do
  redis.call('SPOP', KEYS[2])
end
if redis.call('HEXISTS', KEYS[5], ARGV[1]) == 0 then
  redis.call('EXPIRE', KEYS[2], ARGV[4])
else
  redis.call('PERSIST', KEYS[2])
end
return 1
