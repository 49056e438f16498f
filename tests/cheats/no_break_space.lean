-- cheat: ends the line with another kind of space
-- wall: gate
-- statement: : False
by sorry
