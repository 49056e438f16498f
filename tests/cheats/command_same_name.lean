-- cheat: declares the judge's own theorem
-- wall: gate
-- statement: : False
stp_target
theorem stp_target : False := stp_target
