-- Looks a session up. Masters are servers of their own, no Redis Cluster: a key made from what was read lies here too.
--
-- Input:
--   KEYS[1]  the session's shard of the directory
--   ARGV[1]  session
--   ARGV[2]  prefix of the hashes of leases
--
-- Output: [holder, '<version> <context>'], or nothing
local holder = redis.call('HGET', KEYS[1], ARGV[1])
local lease = holder and redis.call('HGET', ARGV[2] .. holder, ARGV[1])
return lease and { holder, lease } or {}
