-- cheat: proves another statement
-- wall: lean
-- statement: : 1 = 2
(rfl : 1 = 1)
