-- cheat: does nothing and hopes
-- wall: lean
-- statement: : False
by skip
