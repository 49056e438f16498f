-- cheat: adds an opaque constant
-- wall: gate
-- statement: : True
trivial
opaque extra : Nat
