-- cheat: proves another statement
-- statement: : 1 = 2
(rfl : 1 = 1)
