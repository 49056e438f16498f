-- cheat: ends a search with an admitted goal
-- statement: : False
by apply?
