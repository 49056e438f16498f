-- cheat: closes a bracket that is not open
-- wall: gate
-- statement: : False
by skip)
(trivial
