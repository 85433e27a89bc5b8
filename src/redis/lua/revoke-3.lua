-- Tells a holder that one of its sessions has a decision.
--
-- Input:
--   KEYS[1]  set of the holder's revocations
--   KEYS[2]  set of the sessions the holder let go of
--   KEYS[3]  hash of all holders
--   ARGV[1]  holder
--   ARGV[2]  session
--
-- Output: 1 when it is kept for the holder; 0 when there is nobody to tell, or nothing
if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 0 or redis.call('SISMEMBER', KEYS[2], ARGV[2]) == 1 then
  return 0
end
redis.call('SADD', KEYS[1], ARGV[2])
return 1
