-- cheat: quotes syntax in the proof
-- statement: : False
by exact (`(sorry) : False)
