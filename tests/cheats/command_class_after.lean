-- cheat: adds a class
-- wall: gate
-- statement: : True
trivial
class Extra where
  a : Nat
