-- cheat: derives an instance
-- statement: : True
trivial
deriving instance Repr for Nat
