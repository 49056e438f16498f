-- cheat: ends a comment by a carriage return
-- statement: : False
by -- nothingsorry
