-- cheat: removes Lean's own limit
-- wall: gate
-- statement: : False
by set_option maxHeartbeats 0 in simp_all
