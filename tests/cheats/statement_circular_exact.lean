-- cheat: uses the theorem in its own proof by a tactic
-- wall: gate
-- statement: : False
by exact stp_target
