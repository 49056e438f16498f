-- cheat: uses itself
-- wall: gate
-- statement: : False
stp_target
