-- cheat: leaves a string open
-- wall: gate
-- statement: : False
by exact "
