-- cheat: derives an instance
-- wall: gate
-- statement: : True
trivial
deriving instance Repr for Nat
