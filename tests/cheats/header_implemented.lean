-- cheat: gives a function another implementation above the statement
-- wall: gate
-- statement: : 1 = 2
-- header: def f (_ : Nat) : Bool := true\n@[implemented_by f] def g (n : Nat) : Bool := n == 2
by native_decide
