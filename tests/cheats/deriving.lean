-- cheat: derives an instance
-- wall: gate
-- statement: : 1 = 2
by decide
deriving instance DecidableEq for Nat
