-- cheat: uses the theorem in its own proof
-- wall: gate
-- statement: : False
stp_target
