-- cheat: leaves a bracket open
-- wall: gate
-- statement: : False
by exact (absurd
