-- cheat: closes the goal with admit
-- wall: gate
-- statement: : False
by admit
