-- cheat: uses the theorem in its own proof
-- statement: : False
stp_target
