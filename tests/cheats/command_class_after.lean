-- cheat: adds a class
-- statement: : True
trivial
class Extra where
  a : Nat
