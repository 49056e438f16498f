-- cheat: closes the goal with admit
-- statement: : False
by admit
