-- cheat: ends a search with an admitted goal
-- wall: gate
-- statement: : False
by apply?
