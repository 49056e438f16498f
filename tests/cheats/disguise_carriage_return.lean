-- cheat: ends a comment by a carriage return
-- wall: gate
-- statement: : False
by -- nothingsorry
