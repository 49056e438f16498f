-- cheat: adds a structure
-- statement: : True
trivial
structure Extra where
  a : Nat
