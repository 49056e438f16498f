-- cheat: uses itself and claims to end
-- wall: gate
-- statement: : False
stp_target
termination_by 0
decreasing_by sorry
