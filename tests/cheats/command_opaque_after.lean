-- cheat: adds an opaque constant
-- statement: : True
trivial
opaque extra : Nat
