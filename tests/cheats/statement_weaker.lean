-- cheat: proves another statement
-- wall: gate
-- statement: : 1 = 2
(rfl : 1 = 1)
