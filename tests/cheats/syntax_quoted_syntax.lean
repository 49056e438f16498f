-- cheat: quotes syntax in the proof
-- wall: gate
-- statement: : False
by exact (`(sorry) : False)
