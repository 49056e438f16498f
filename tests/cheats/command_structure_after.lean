-- cheat: adds a structure
-- wall: gate
-- statement: : True
trivial
structure Extra where
  a : Nat
