-- cheat: uses the compiler's any
-- wall: gate
-- statement: : False
(lcAny : False)
