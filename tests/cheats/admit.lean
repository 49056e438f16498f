-- cheat: leaves the goal open with admit
-- wall: gate
-- statement: : False
by admit
