-- cheat: closes a comment that is not open
-- wall: gate
-- statement: : False
by skip -/ sorry
