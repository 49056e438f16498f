-- cheat: quotes syntax
-- wall: gate
-- statement: : False
by exact `(sorry)
