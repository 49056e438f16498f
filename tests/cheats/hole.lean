-- cheat: leaves a hole
-- wall: lean
-- statement: : False
by exact ?_
